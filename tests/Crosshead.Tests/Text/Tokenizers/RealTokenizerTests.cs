using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Tests.Text.Tokenizers;

/// <summary>
/// Files of real models against Hugging Face's tokenizers; Mistral's tokenizer.model against SentencePiece, which
/// reads no special tokens from text.
/// </summary>
public sealed class RealTokenizerTests
{
    private static readonly Lazy<JsonElement> Expected = new(
        () => TokenizerFixture.Read("tokenizer-real.json").GetProperty("tokenizers"));

    public static readonly TheoryData<string> Names = ["gpt2", "llama2", "llama3.1", "qwen3", "smollm2", "mistral"];

    [Theory]
    [MemberData(nameof(Names))]
    public void Odd_texts_have_the_same_ids_and_come_back_the_same(string name)
    {
        var tokenizer = Load(name);
        foreach (var (text, expected) in TokenizerFixture.Texts.Zip(
            Expected.Value.GetProperty(name).GetProperty("texts").EnumerateArray()))
        {
            var ids = TokenizerFixture.Ids(expected.GetProperty("ids"));
            TokenizerFixture.AssertIds(text, ids, tokenizer.Encode(text, parseSpecialTokens: name != "mistral"));
            if (expected.TryGetProperty("plain", out var plain))
                TokenizerFixture.AssertIds(text, TokenizerFixture.Ids(plain),
                    tokenizer.Encode(text, parseSpecialTokens: false));
            Assert.Equal(Text(expected, "skipped", text), tokenizer.Decode(ids, skipSpecialTokens: true));
            if (name == "mistral") // SentencePiece never shows control tokens
                continue;
            Assert.Equal(Text(expected, "decoded", text), tokenizer.Decode(ids));
            var stream = tokenizer.CreateDecodeStream(skipSpecialTokens: false);
            Assert.Equal(Text(expected, "decoded", text), string.Concat(ids.Select(stream.Step)) + stream.Finish());
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_hundred_lines_of_WikiText_have_the_same_ids(string name)
    {
        var tokenizer = Load(name);
        var blocks = Expected.Value.GetProperty(name).GetProperty("blocks").EnumerateArray().ToList();
        var lines = Wikitext("test").Split('\n');
        Assert.Equal((lines.Length + 99) / 100, blocks.Count);
        foreach (var (part, expected) in lines.Chunk(100).Zip(blocks))
        {
            var ids = new List<int>();
            foreach (var line in part)
                tokenizer.Encode(line, ids, parseSpecialTokens: name != "mistral");
            Assert.Equal((expected[0].GetInt32(), expected[1].GetString()), (ids.Count, Digest(ids)[..16]));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Megabytes_at_once_have_the_same_ids_and_come_back(string name)
    {
        var tokenizer = Load(name);
        foreach (var part in (string[])["test", "valid"])
        {
            var expected = Expected.Value.GetProperty(name).GetProperty("files").GetProperty(part);
            var text = Wikitext(part);
            var ids = tokenizer.Encode(text, parseSpecialTokens: name != "mistral");
            Assert.Equal((expected[0].GetInt32(), expected[1].GetString()), (ids.Length, Digest(ids)));
            Assert.Equal(text,
                tokenizer.Decode(tokenizer.Encode(text, addSpecialTokens: false, parseSpecialTokens: false)));
        }
    }

    [Fact]
    public void A_SentencePiece_model_is_read_as_the_tokenizer_json_made_of_it()
    {
        var (model, json) = (Load("mistral"), Load("llama2"));
        Assert.Equal((json.VocabularySize, json.BosTokenId, json.EosTokenId),
            (model.VocabularySize, model.BosTokenId, model.EosTokenId));
        foreach (var text in TokenizerFixture.Texts)
            TokenizerFixture.AssertIds(text, json.Encode(text), model.Encode(text));
        Assert.Equal(json.AddedTokens, model.AddedTokens);
    }

    [Fact]
    public void The_pair_of_GPT_2_is_read_as_its_tokenizer_json()
    {
        var json = Load("gpt2");
        using var folder = new TemporaryFolder();
        foreach (var file in (string[])["vocab.json", "merges.txt"])
            File.Copy(SharedData.Path("data", "tokenizers", "gpt2", file), folder.File(file));
        var pair = Tokenizer.Load(folder.Path);
        foreach (var text in TokenizerFixture.Texts)
            TokenizerFixture.AssertIds(text, json.Encode(text), pair.Encode(text));
        Assert.Equal(json.EosTokenId, pair.EosTokenId);
    }

    private static Tokenizer Load(string name) => Tokenizer.Load(SharedData.Path("data", "tokenizers", name));

    private static string Wikitext(string part) =>
        File.ReadAllText(SharedData.Path("data", "text", $"wikitext2-{part}.txt"));

    private static string Text(JsonElement expected, string name, string otherwise) =>
        expected.TryGetProperty(name, out var text) ? text.GetString()! : otherwise;

    private static string Digest(IReadOnlyList<int> ids) =>
        Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<int>(ids.ToArray())));
}
