using System.Text;
using System.Text.Json.Nodes;
using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Definition;
using Crosshead.Text.Tokenizers.Training;
using CsCheck;

namespace Crosshead.Tests.Text.Tokenizers;

public sealed class TokenizerTests
{
    private const string Corpus = "The quick brown fox didn't jump over 12345 lazy dogs; the dogs didn't mind. 日本語の文 "
        + "日本語 éé 😀😀\n\n  The end\n";

    private static readonly Tokenizer Trained = BpeTrainer.Train([Corpus, Corpus, Corpus],
        new() { VocabularySize = 400, SpecialTokens = ["<|endoftext|>", "<|end|>", "<|end|>x"] });

    // Any valid Unicode: all planes, with the corpus's words and special tokens among them so that merges happen.
    private static readonly Gen<string> Unicode = Gen.OneOf(
        Gen.Int[0, 0x10FFFF].Where(v => v is < 0xD800 or > 0xDFFF).Select(v => new Rune(v).ToString()),
        TextGen.OneOf("The quick", " brown", "didn't", "12345", "日本語", "😀", "\n\n", "   ", "<|end|>", "<|end|>x",
            "<|endoftext|>", "<|", "é", new string('=', 100)))
        .Array[0, 40].Select(string.Concat);

    [Fact]
    public void Decoding_gives_back_any_valid_Unicode_text() => Unicode.Select(Gen.Bool).Sample((text, parse) =>
    {
        var ids = Trained.Encode(text, parseSpecialTokens: parse);
        Assert.Equal(text, Trained.Decode(ids));
        Assert.All(ids, id => Assert.InRange(id, 0, Trained.VocabularySize - 1));
    }, iter: 2_000);

    [Theory]
    [InlineData(PreTokenizerPattern.Llama3)]
    [InlineData(PreTokenizerPattern.Qwen2)]
    [InlineData(PreTokenizerPattern.Gpt2Digits)]
    public void So_does_every_pattern(PreTokenizerPattern pattern)
    {
        var tokenizer = BpeTrainer.Train([Corpus, Corpus], new() { VocabularySize = 350, Pattern = pattern });
        Unicode.Sample(text => Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text))), iter: 1_000);
    }

    [Fact]
    public void Streaming_gives_the_same_text_and_never_half_a_character() => Unicode.Sample(text =>
    {
        var stream = Trained.CreateDecodeStream(skipSpecialTokens: false);
        var pieces = Trained.Encode(text).Select(stream.Step).ToList();
        Assert.All(pieces, piece => Assert.Equal(piece,
            new UTF8Encoding(false, true).GetString(new UTF8Encoding(false, true).GetBytes(piece))));
        Assert.Equal(text, string.Concat(pieces) + stream.Finish());
    }, iter: 2_000);

    [Fact]
    public void An_incomplete_character_is_held_back_and_told_at_the_end()
    {
        var bytes = Trained.Encode("\U000E0041").ToArray();
        Assert.Equal(4, bytes.Length);
        var stream = Trained.CreateDecodeStream();
        Assert.Equal(["", "", "", "\U000E0041"], bytes.Select(stream.Step));
        stream.Step(bytes[0]);
        Assert.Equal("\uFFFD", stream.Finish());
        Assert.Equal("a", stream.Step(Trained.Encode("a")[0]));
        Assert.Equal("\uFFFDa", Trained.Decode([bytes[0], Trained.Encode("a")[0]]));
    }

    [Fact]
    public void Half_a_surrogate_pair_becomes_a_replacement_character() =>
        Assert.Equal("a\uFFFDb", Trained.Decode(Trained.Encode("a\ud800b")));

    [Fact]
    public void The_longest_special_token_is_read_where_asked_and_skipped_where_asked()
    {
        Assert.Equal([2, 1, 0], Trained.Encode("<|end|>x<|end|><|endoftext|>"));
        Assert.DoesNotContain(Trained.Encode("<|end|>", parseSpecialTokens: false), id => id < 3);
        var ids = Trained.Encode("a<|end|>b");
        Assert.Equal("a<|end|>b", Trained.Decode(ids));
        Assert.Equal("ab", Trained.Decode(ids, skipSpecialTokens: true));
        Assert.Equal("ab", string.Concat(ids.Select(Trained.CreateDecodeStream().Step)));
    }

    [Fact]
    public void Words_are_encoded_the_same_whether_remembered_or_not()
    {
        var random = new Random(5);
        var text = string.Concat(Enumerable.Range(0, 35_000).Select(_ => $" w{random.Next(1 << 20):x}"));
        var whole = Trained.Encode(text); // more different words than the cache holds
        Assert.Equal(text.Split(' ').Skip(1).SelectMany(word => BpeWord(" " + word)), whole);
        int[] BpeWord(string word) => Trained.Encode(word);
    }

    [Fact]
    public async Task Many_threads_encode_alike()
    {
        var expected = Trained.Encode(Corpus);
        var all = await Task.WhenAll(Enumerable.Range(0, 8)
            .Select(_ => Task.Run(() => Enumerable.Range(0, 50).Select(_ => Trained.Encode(Corpus)).ToList())));
        Assert.All(all.SelectMany(x => x), ids => Assert.Equal(expected, ids));
    }

    [Fact]
    public void Names_and_ids_answer_each_other()
    {
        for (var id = 0; id < Trained.VocabularySize; id++)
            Assert.Equal(id, Trained.TokenToId(Trained.IdToToken(id)!));
        Assert.Null(Trained.IdToToken(Trained.VocabularySize));
        Assert.Null(Trained.IdToToken(-1));
        Assert.Null(Trained.TokenToId("no such token"));
        var error = Assert.Throws<CrossheadException>(() => Trained.Decode([Trained.VocabularySize])).Message;
        Assert.Contains($"token id {Trained.VocabularySize} is not in the vocabulary", error);
    }

    [Fact]
    public void The_hash_is_of_the_contents_not_of_the_layout()
    {
        using var folder = new TemporaryFolder();
        Trained.Save(folder.Path);
        var json = JsonNode.Parse(File.ReadAllText(folder.File("tokenizer.json")))!.AsObject();
        json["truncation"] = new JsonObject { ["max_length"] = 5 };
        var merges = json["model"]!["merges"]!.AsArray();
        json["model"]!["merges"] = new JsonArray([.. merges.Select(
            m => (JsonNode)new JsonArray([.. m!.GetValue<string>().Split(' ').Select(p => (JsonNode)p)]))]);
        var reordered = new JsonObject(json.Reverse().Select(p => KeyValuePair.Create(p.Key, p.Value?.DeepClone())));
        var again = Load(folder, reordered);
        Assert.Equal(Trained.Sha256, again.Sha256);
        Assert.Equal(64, again.Sha256.Length);
        Assert.Equal(Trained.Encode(Corpus), again.Encode(Corpus));

        var other = reordered.DeepClone().AsObject();
        other["model"]!["merges"]!.AsArray().RemoveAt(3);
        Assert.NotEqual(Trained.Sha256, Load(folder, other).Sha256);
    }

    [Fact]
    public void A_template_adds_its_tokens_where_asked()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = Load(folder, Json(folder, json => json["post_processor"] = JsonNode.Parse("""
            {"type":"Sequence","processors":[{"type":"ByteLevel"},{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<|end|>","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"<|endoftext|>","type_id":0}}]}]}
            """)));
        Assert.Equal([1, .. Trained.Encode("The fox"), 0], tokenizer.Encode("The fox"));
        Assert.Equal(Trained.Encode("The fox"), tokenizer.Encode("The fox", addSpecialTokens: false));
    }

    [Theory]
    [InlineData("\"</s>\"", null)]
    [InlineData("\"<|end|>\"", 1)]
    [InlineData("{\"content\":\"<|end|>\"}", 1)]
    [InlineData("null", null)]
    public void The_configuration_beside_it_says_which_token_ends(string eos, int? expected)
    {
        using var folder = new TemporaryFolder();
        Trained.Save(folder.Path);
        File.WriteAllText(folder.File("tokenizer_config.json"), $"{{\"eos_token\":{eos}}}");
        Assert.Equal(expected, Tokenizer.Load(folder.Path).EosTokenId);
        File.Delete(folder.File("tokenizer_config.json"));
        Assert.Equal(0, Tokenizer.Load(folder.File("tokenizer.json")).EosTokenId);
    }

    [Fact]
    public void Whole_words_skip_merging_where_the_file_says_so()
    {
        using var folder = new TemporaryFolder();
        var json = Json(folder, j =>
        {
            j["model"]!["ignore_merges"] = true;
            j["model"]!["vocab"]!["Ġzzz"] = Trained.VocabularySize; // a token no merge makes
        });
        Assert.Equal([Trained.VocabularySize], Load(folder, json).Encode(" zzz"));
        json["model"]!["ignore_merges"] = false;
        Assert.Equal(4, Load(folder, json).Encode(" zzz").Length);
    }

    internal static JsonObject Json(TemporaryFolder folder, Action<JsonObject> change)
    {
        Trained.Save(folder.Path);
        var json = JsonNode.Parse(File.ReadAllText(folder.File("tokenizer.json")))!.AsObject();
        change(json);
        return json;
    }

    internal static Tokenizer Load(TemporaryFolder folder, JsonNode json)
    {
        File.WriteAllText(folder.File("changed.json"), json.ToJsonString());
        return Tokenizer.Load(folder.File("changed.json"));
    }
}
