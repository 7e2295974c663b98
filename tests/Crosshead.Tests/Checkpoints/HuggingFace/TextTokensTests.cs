using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Model;

namespace Crosshead.Tests.Checkpoints.HuggingFace;

/// <summary>What ends a text: generation_config.json, else config.json, else the tokenizer; whole lists.</summary>
public sealed class TextTokensTests
{
    [Theory]
    [InlineData("""{"eos_token_id":[7,9]}""", """{"eos_token_id":2}""", 1, new[] { 7, 9 })]
    [InlineData("""{"eos_token_id":7}""", """{"eos_token_id":[2,3]}""", 1, new[] { 7 })]
    [InlineData("""{"temperature":1}""", """{"eos_token_id":[2,426]}""", 1, new[] { 2, 426 })]
    [InlineData("""{"eos_token_id":null}""", """{"eos_token_id":426}""", 1, new[] { 426 })]
    [InlineData(null, """{"eos_token_id":[2,426]}""", 1, new[] { 2, 426 })]
    [InlineData(null, """{"eos_token_id":426}""", null, new[] { 426 })]
    [InlineData(null, """{"eos_token_id":null}""", 1, new[] { 1 })]
    [InlineData(null, "{}", 1, new[] { 1 })]
    [InlineData(null, "{}", null, new int[0])]
    [InlineData("{}", "{}", 1, new[] { 1 })]
    public void The_first_that_names_one_counts(string? generation, string config, int? tokenizer, int[] ends)
    {
        using var folder = new TemporaryFolder();
        if (generation is not null) File.WriteAllText(folder.File("generation_config.json"), generation);
        File.WriteAllText(folder.File("config.json"), config);
        Assert.Equal(ends, EndsOf(folder, tokenizer));
    }

    [Theory]
    [InlineData("generation_config.json", """{"eos_token_id":"end"}""", "eos_token_id = \"end\" must be a token id")]
    [InlineData("generation_config.json", """{"eos_token_id":[1,null]}""",
        "eos_token_id = [1,null] must be a token id")]
    [InlineData("config.json", """{"eos_token_id":1.5}""", "eos_token_id = 1.5 must be a token id")]
    [InlineData("config.json", """{"eos_token_id":{"a":1}}""", "must be a token id")]
    [InlineData("config.json", "{", "is no valid configuration")]
    [InlineData("generation_config.json", "[]", "is no valid configuration")]
    public void What_is_no_id_is_named_with_its_file(string file, string text, string told)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), "{}");
        File.WriteAllText(folder.File(file), text);
        var message = Assert.Throws<CrossheadException>(() => EndsOf(folder, 1)).Message;
        Assert.Contains(told, message);
        Assert.Contains(folder.File(file), message);
    }

    [Theory]
    [InlineData(new int[0], null)]
    [InlineData(new[] { 5 }, "5")]
    [InlineData(new[] { 5, 8 }, "[5,8]")]
    public void A_saved_model_says_all_of_them_again(int[] ends, string? written)
    {
        using var folder = new TemporaryFolder();
        using var model = new LanguageModel(
            new ModelOptions { VocabularySize = 30, HiddenSize = 16, Layers = 1, Attention = new() { Heads = 2 } });
        ModelDirectory.Save(folder.Path, model, tokens: new TextTokens(3, ends));
        var config = JsonNode.Parse(File.ReadAllText(folder.File("config.json")))!;
        Assert.Equal(written, config["eos_token_id"]?.ToJsonString());
        var read = TextTokens.Of(folder.Path);
        Assert.Equal(3, read.Begin);
        Assert.Equal(ends, read.Ends);
    }

    private static IReadOnlyList<int> EndsOf(TemporaryFolder folder, int? tokenizer) =>
        TextTokens.EndsOf(folder.Path, ConfigValues.Read(folder.File("config.json")), tokenizer);
}
