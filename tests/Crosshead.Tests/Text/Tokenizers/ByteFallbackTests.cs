using System.Text.Json.Nodes;
using Crosshead.Text.Tokenizers;
using CsCheck;

namespace Crosshead.Tests.Text.Tokenizers;

public sealed class ByteFallbackTests
{
    [Fact]
    public void Characters_merge_across_words_and_unknown_ones_become_bytes()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = Small(folder);
        int Id(string token) => tokenizer.TokenToId(token)!.Value;
        Assert.Equal([1, Id("▁ab"), Id("▁ab")], tokenizer.Encode("ab ab"));
        Assert.Equal([1, Id("▁"), Id("<0xE2>"), Id("<0x82>"), Id("<0xAC>"), Id("b")], tokenizer.Encode("€b"));
        Assert.Equal([Id("▁"), Id("b")], tokenizer.Encode("b", addSpecialTokens: false));
        Assert.Equal([1], tokenizer.Encode(""));
        Assert.Equal((1, 2), (tokenizer.BosTokenId, tokenizer.EosTokenId));
    }

    [Fact]
    public void Text_without_special_tokens_comes_back()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = Small(folder);
        Gen.OneOf(Gen.String[Gen.Char['a', 'c'], 0, 4], TextGen.OneOf(" ", "  ", "€", "😀", "\n", "\0")).Array[0, 40]
            .Select(string.Concat).Sample(text =>
            {
                var ids = tokenizer.Encode(text, addSpecialTokens: false);
                Assert.Equal(text, tokenizer.Decode(ids));
                var stream = tokenizer.CreateDecodeStream();
                Assert.Equal(text, string.Concat(ids.Select(stream.Step)) + stream.Finish());
            }, iter: 1_000);
    }

    [Fact]
    public void Bytes_that_are_no_character_become_one_replacement_each()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = Small(folder);
        var (e2, b) = (tokenizer.TokenToId("<0xE2>")!.Value, tokenizer.TokenToId("b")!.Value);
        Assert.Equal("\uFFFD\uFFFDb", tokenizer.Decode([e2, e2, b]));
    }

    [Fact]
    public void A_stream_gives_what_decoding_gives_whatever_the_ids()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = Small(folder);
        int[] some = [1, 2, .. new[]
        {
            "<0x41>", "<0xFF>", "<0xE2>", "<0x82>", "<0xAC>", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>", "<0x20>",
            "▁", "a", "▁ab",
        }.Select(t => tokenizer.TokenToId(t)!.Value)];
        Gen.OneOf(Gen.OneOf<int>(some), Gen.Int[0, tokenizer.VocabularySize - 1]).Array[0, 30].Sample(ids =>
        {
            foreach (var skip in new[] { false, true })
            {
                var stream = tokenizer.CreateDecodeStream(skip);
                Assert.Equal(tokenizer.Decode(ids, skip), string.Concat(ids.Select(stream.Step)) + stream.Finish());
            }
        }, iter: 2_000);
        // as the Rust library
        Assert.Equal("\uFFFD\uFFFD",
            tokenizer.Decode([tokenizer.TokenToId("<0x41>")!.Value, tokenizer.TokenToId("<0xFF>")!.Value]));
    }

    [Theory]
    [InlineData("decoder", """{"type":"ByteFallback"}""", "the decoder ByteFallback")]
    [InlineData("normalizer", """{"type":"Nmt"}""", "the normalizer Nmt")]
    [InlineData("pre_tokenizer", """{"type":"ByteLevel","add_prefix_space":false}""", "the decoder Replace")]
    [InlineData("pre_tokenizer", """{"type":"UnicodeScripts"}""", "the pre-tokenizer UnicodeScripts")]
    public void Another_pipeline_is_refused(string part, string value, string feature)
    {
        using var folder = new TemporaryFolder();
        Assert.Contains(feature,
            Assert.Throws<CrossheadException>(() => Small(folder, json => json[part] = JsonNode.Parse(value))).Message);
    }

    // Expected ids: the reference's continuation of a trained model, stored beside it with its text.
    [Fact]
    public void Reads_the_tokenizer_of_a_real_model()
    {
        var folder = SharedData.Path("data", "models", "stories260K");
        var tokenizer = Tokenizer.Load(folder);
        var text = JsonNode.Parse(
            File.ReadAllText(Path.Combine(folder, "expected.json")))!["greedy_text"]!.GetValue<string>();
        using var expected = Crosshead.Checkpoints.Safetensors.SafetensorsReader.Open(
            Path.Combine(folder, "expected.safetensors"));
        using var tensor = expected.Read("greedy");
        var ids = tensor.reshape(-1).data<long>().Select(id => (int)id).ToArray();
        Assert.Equal(512, tokenizer.VocabularySize);
        Assert.Equal(text, tokenizer.Decode(ids, skipSpecialTokens: true));
        Assert.Equal(ids, tokenizer.Encode(text));
    }

    private static Tokenizer Small(TemporaryFolder folder, Action<JsonObject>? change = null)
    {
        var vocabulary = new JsonObject();
        foreach (var token in (string[])["<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(b => $"<0x{b:X2}>"),
            "▁", "a", "b", "ab", "▁ab"])
            vocabulary[token] = vocabulary.Count;
        static JsonObject Added(int id, string content) =>
            new() { ["id"] = id, ["content"] = content, ["normalized"] = false, ["special"] = true };
        var json = new JsonObject
        {
            ["added_tokens"] = new JsonArray(Added(0, "<unk>"), Added(1, "<s>"), Added(2, "</s>")),
            ["normalizer"] = JsonNode.Parse(
                """{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]}"""),
            ["post_processor"] = JsonNode.Parse(
                """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":{"id":"A"}}]}"""),
            ["decoder"] = JsonNode.Parse(
                """{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}"""),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["unk_token"] = "<unk>",
                ["fuse_unk"] = true,
                ["byte_fallback"] = true,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray("a b", "▁ ab"),
            },
        };
        change?.Invoke(json);
        return TokenizerTests.Load(folder, json);
    }
}
