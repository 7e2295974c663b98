using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Tests.Text.Tokenizers;

public class TokenizerFileTests
{
    [Fact]
    public void A_missing_file_and_an_empty_folder_say_how_to_make_one()
    {
        using var folder = new TemporaryFolder();
        foreach (var path in (string[])[folder.File("absent.json"), folder.Path])
            Assert.Contains("`BpeTrainer`", Refused(() => Tokenizer.Load(path)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("17")]
    [InlineData("{}")]
    [InlineData("{\"model\": 1}")]
    [InlineData("{\"model\": {\"type\": \"BPE\"}}")]
    [InlineData("\0\u0001\u0002\u007FELF")]
    [InlineData("not json\nat all")]
    public void What_is_no_tokenizer_is_refused_in_one_line(string content)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("tokenizer.json"), content);
        Assert.Contains(folder.File("tokenizer.json"), Refused(() => Tokenizer.Load(folder.Path)));
    }

    [Fact]
    public void A_truncated_file_is_refused_wherever_it_ends()
    {
        using var folder = new TemporaryFolder();
        TinyTokenizer.Gpt2.Save(folder.Path);
        var path = folder.File("tokenizer.json");
        var whole = File.ReadAllBytes(path);
        for (var length = 0; length < whole.Length - 1; length += 397)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.Contains("is not a tokenizer.json", Refused(() => Tokenizer.Load(path)));
        }
    }

    [Theory]
    [InlineData("model.type", "\"WordPiece\"", "WordPiece")]
    [InlineData("model.dropout", "0.1", "dropout")]
    [InlineData("model.continuing_subword_prefix", "\"##\"", "continuing_subword_prefix")]
    [InlineData("model.end_of_word_suffix", "\"</w>\"", "end_of_word_suffix")]
    [InlineData("pre_tokenizer", "{\"type\": \"Whitespace\"}", "pre-tokenizer Whitespace")]
    [InlineData("decoder", "{\"type\": \"WordPiece\"}", "decoder WordPiece")]
    public void An_unsupported_feature_is_named(string place, string value, string named)
    {
        var error = Refused(() => Load(Changed(place, value)));
        Assert.Contains(named, error);
        Assert.Contains("not supported", error);
    }

    [Theory]
    [InlineData("model.vocab.a", "-1")]
    [InlineData("model.vocab.a", "2000000000")]
    [InlineData("model.vocab.a", "3000000000")]
    [InlineData("model.vocab.a", "\"x\"")]
    [InlineData("model.vocab", "[]")]
    [InlineData("model.merges.0", "\"a\"")]
    [InlineData("model.merges.0", "\"a q\"")]
    [InlineData("model.merges.0", "[\"a\", null]")]
    [InlineData("model.merges.0", "7")]
    [InlineData("model.merges", "{}")]
    [InlineData("added_tokens.0.content", "null")]
    [InlineData("added_tokens.0.content", "\"\"")]
    [InlineData("added_tokens.0.id", "-5")]
    [InlineData("added_tokens.0.id", "99999999")]
    [InlineData("added_tokens.0", "{\"id\": 3}")]
    [InlineData("model.vocab", "{\"a\": 0, \"b\": 0}")]
    [InlineData("model.dropout", "\"0\"")]
    [InlineData("added_tokens",
        "[{\"id\": 0, \"content\": \"<a>\", \"special\": true}, {\"id\": 0, \"content\": \"<b>\", \"special\": true}]")]
    [InlineData("pre_tokenizer", "[]")]
    [InlineData("pre_tokenizer", "{\"type\": \"Sequence\"}")]
    [InlineData("post_processor", "{\"type\": \"BertProcessing\"}")]
    [InlineData("post_processor", "{\"type\": \"BertProcessing\", \"cls\": [\"<s>\", 99999], \"sep\": [\"<s>\", 0]}")]
    [InlineData("normalizer", "{\"type\": \"Replace\"}")]
    [InlineData("normalizer", "{\"type\": \"Prepend\"}")]
    [InlineData("post_processor",
        "{\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"<no>\"}}]}")]
    [InlineData("post_processor", "{\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {}}]}")]
    public void Damage_is_refused_in_one_line(string place, string value) =>
        Assert.Contains("tokenizer.json", Refused(() => Load(Changed(place, value))));

    [Theory]
    [InlineData(
        """{"model":{"type":"BPE","vocab":{"<unk>":0,"<s>":0},"merges":[]},"added_tokens":[{"id":0,"content":"<unk>"},{"id":1,"content":"<s>"}]}""",
        "tokens \"<unk>\" and \"<s>\" both have id 0")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0,"b":1,"a":2},"merges":[]}}""", "token \"a\" stands twice")]
    [InlineData(
        """{"model":{"type":"BPE","vocab":{"a":0,"b":2},"merges":[]},"added_tokens":[{"id":2,"content":"<x>"},{"id":3,"content":"b"}]}""",
        "added token \"b\" comes to have id 2")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a\ud800":0},"merges":[]}}""",
        "the text \"a\\ud800\" holds half of a surrogate pair")]
    [InlineData("""{"\udc00":1}""", "holds half of a surrogate pair")]
    public void What_contradicts_itself_is_refused_by_name(string content, string message) =>
        Assert.Contains(message, Refused(() => Load(content)));

    [Theory]
    [InlineData("0.0")]
    [InlineData("0")]
    [InlineData("null")]
    public void No_dropout_is_none(string dropout) =>
        Assert.Equal(TinyTokenizer.Gpt2.Encode("attention to the heads"),
            Load(Changed("model.dropout", dropout)).Encode("attention to the heads"));

    [Fact]
    public void A_name_of_any_length_gives_a_short_message()
    {
        var name = new string('x', 100_000);
        (string Place, string Value)[] changes =
        [
            ("model.type", $"\"{name}\""), ($"model.vocab.{name}", "-1"), ("decoder", $"{{\"type\": \"{name}\"}}"),
            ("added_tokens", $"[{{\"id\": -1, \"content\": \"{name}\"}}]"), ("model.merges", $"[\"{name}\"]"),
        ];
        foreach (var (place, value) in changes)
            Assert.InRange(Refused(() => Load(Changed(place, value))).Length, 50, 400);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{\"eos_token\": \"\\ud83d\"}")]
    [InlineData("{\"\\ud83d\": 1}")]
    [InlineData("{\"eos_token\": {}}")]
    [InlineData("{\"eos_token\": 1}")]
    public void A_damaged_tokenizer_config_is_refused_in_one_line(string content)
    {
        using var folder = new TemporaryFolder();
        TinyTokenizer.Gpt2.Save(folder.Path);
        File.WriteAllText(folder.File("tokenizer_config.json"), content);
        Assert.Contains("tokenizer_config.json", Refused(() => Tokenizer.Load(folder.Path)));
    }

    [Fact]
    public void A_file_is_known_again_by_its_bytes_or_by_what_it_says()
    {
        using var folder = new TemporaryFolder();
        TinyTokenizer.Gpt2.Save(folder.Path);
        var (file, other) = (folder.File(Tokenizer.FileName), folder.File("other.json"));
        Assert.True(Tokenizer.Load(folder.Path).IsIn(file));
        Assert.False(TinyTokenizer.Llama3.IsIn(file));
        File.WriteAllText(other, File.ReadAllText(file) + "\n\n"); // another layout
        Assert.True(TinyTokenizer.Gpt2.IsIn(other));
        File.WriteAllText(file, "{}");
        Assert.False(TinyTokenizer.Gpt2.IsIn(file));
        File.Delete(file);
        Assert.False(TinyTokenizer.Gpt2.IsIn(file));
    }

    [Fact]
    public void The_end_token_is_the_config_s_or_the_usual_one()
    {
        using var folder = new TemporaryFolder();
        TinyTokenizer.Gpt2.Save(folder.Path);
        File.WriteAllText(folder.File("tokenizer_config.json"), "{\"eos_token\": {\"content\": \"the\"}}");
        Assert.Equal(TinyTokenizer.Gpt2.TokenToId("the"), Tokenizer.Load(folder.Path).EosTokenId);
        File.Delete(folder.File("tokenizer_config.json"));
        Assert.Equal(0, Tokenizer.Load(folder.Path).EosTokenId);
    }

    [Fact]
    public void A_published_byte_fallback_tokenizer_agrees_with_its_model_s_expected_text()
    {
        var tokenizer = Tokenizer.Load(SharedData.Path("data", "models", "stories260K"));
        using var expected = JsonDocument.Parse(
            File.ReadAllBytes(SharedData.Path("data", "models", "stories260K", "expected.json")));
        var text = expected.RootElement.GetProperty("greedy_text").GetString()!;
        var greedy = ReadIds(SharedData.Path("data", "models", "stories260K", "expected.safetensors"), "greedy");
        Assert.Equal((512, 1, 2), (tokenizer.VocabularySize, tokenizer.BosTokenId!.Value, tokenizer.EosTokenId!.Value));
        Assert.Equal(text, tokenizer.Decode(greedy, skipSpecialTokens: true));
        Assert.Equal(greedy, tokenizer.Encode(text)[..greedy.Length]);
        var stream = tokenizer.CreateDecodeStream();
        Assert.Equal(text, string.Concat(greedy.Select(stream.Step)) + stream.Finish());
        Assert.Equal("日本 😀\n", tokenizer.Decode(tokenizer.Encode("日本 😀\n", addSpecialTokens: false)));
    }

    [Theory]
    [InlineData("gpt2", "I'll attend 1234 heads.", new[] { 40, 1183, 5262, 1105, 2682, 6665, 13 })]
    [InlineData("llama3.1", "Hello world", new[] { 128000, 9906, 1917 })]
    [InlineData("smollm2", "", new int[0])]
    [InlineData("llama2", "Hello world", new[] { 1, 22557, 1526 })]
    public void Published_tokenizers_load_and_give_text_back(string name, string text, int[] ids)
    {
        var tokenizer = Tokenizer.Load(SharedData.Path("data", "tokenizers", name));
        Assert.Equal(ids, tokenizer.Encode(text));
        foreach (var sample in (string[])["The quick brown fox's 12345 jumps\n\n  over", "naïve 日本語 😀👩‍🚀 e\u0301",
            "\t\u0001 \u00A0x"])
            Assert.Equal(sample, tokenizer.Decode(tokenizer.Encode(sample), skipSpecialTokens: true));
    }

    private static string Refused(Action action)
    {
        var error = Assert.Throws<CrossheadException>(action).Message;
        Assert.DoesNotContain('\n', error);
        return error;
    }

    private static Tokenizer Load(string json) => new(Encoding.UTF8.GetBytes(json), null, "tokenizer.json");

    private static string Changed(string place, string value)
    {
        using var folder = new TemporaryFolder();
        TinyTokenizer.Gpt2.Save(folder.Path);
        var root = JsonNode.Parse(File.ReadAllText(folder.File("tokenizer.json")))!;
        var node = root;
        var names = place.Split('.');
        foreach (var name in names[..^1])
            node = int.TryParse(name, out var index) ? node[index]! : node[name]!;
        var replacement = JsonNode.Parse(value);
        if (int.TryParse(names[^1], out var last)) node[last] = replacement;
        else node[names[^1]] = replacement;
        return root.ToJsonString();
    }

    private static int[] ReadIds(string path, string tensor)
    {
        var bytes = File.ReadAllBytes(path);
        var header = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        using var json = JsonDocument.Parse(bytes.AsMemory(8, header));
        var offsets = json.RootElement.GetProperty(tensor).GetProperty("data_offsets");
        var (from, to) = (8 + header + offsets[0].GetInt32(), 8 + header + offsets[1].GetInt32());
        return [.. Enumerable.Range(0, (to - from) / 8)
            .Select(i => (int)BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(from + i * 8)))];
    }
}
