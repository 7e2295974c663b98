using System.Text.Json.Nodes;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Tests.Text.Tokenizers;

public sealed class TokenizerRefusalTests
{
    [Theory]
    [InlineData("normalizer", """{"type":"Sequence","normalizers":[{"type":"Lowercase"},{"type":"NFD"}]}""",
        "the normalizer Lowercase")]
    [InlineData("pre_tokenizer", """{"type":"Whitespace"}""", "the pre-tokenizer Whitespace")]
    [InlineData("pre_tokenizer",
        """{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\w+"},"behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]}""",
        "a Split by {\"Regex\":")]
    [InlineData("pre_tokenizer",
        """{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"x"},"behavior":"Dropped","invert":false},{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]}""",
        "a Split with behavior Dropped")]
    [InlineData("decoder", """{"type":"WordPiece"}""", "the decoder WordPiece")]
    [InlineData("decoder", "null", "the decoder (none)")]
    [InlineData("post_processor", """{"type":"Unheard"}""", "the post-processor Unheard")]
    [InlineData("model.type", "\"WordPiece\"", "the model \"WordPiece\"")]
    [InlineData("model.dropout", "0.1", "BPE dropout")]
    [InlineData("model.continuing_subword_prefix", "\"##\"", "continuing_subword_prefix")]
    [InlineData("model.end_of_word_suffix", "\"</w>\"", "end_of_word_suffix")]
    [InlineData("normalizer", """{"type":"Replace","pattern":{"Regex":"\\w+"},"content":" "}""",
        "a Replace of \\w+ with \\w+")]
    [InlineData("pre_tokenizer", """{"type":"Metaspace","replacement":"__","prepend_scheme":"first"}""",
        "a Metaspace with the replacement \"__\"")]
    [InlineData("pre_tokenizer", """{"type":"Metaspace","replacement":"▁","prepend_scheme":"last"}""",
        "a Metaspace with the prepend_scheme \"last\"")]
    [InlineData("post_processor",
        """{"type":"Sequence","processors":[{"type":"TemplateProcessing"},{"type":"BertProcessing"}]}""",
        "the post-processors TemplateProcessing, BertProcessing together")]
    [InlineData("post_processor",
        """{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}},{"Sequence":{"id":"A"}}]}""",
        "a template with 2 texts")]
    public void A_feature_that_cannot_be_followed_exactly_is_named(string path, string value, string feature)
    {
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<CrossheadException>(
            () => TokenizerTests.Load(folder, TokenizerTests.Json(folder, json => Set(json, path, value)))).Message;
        Assert.Contains($"changed.json uses {feature}", error);
        Assert.Contains("supported are BPE over bytes", error);
        Assert.DoesNotContain('\n', error);
    }

    [Theory]
    [InlineData("model.vocab.Zzz", "-3", "token \"Zzz\" has id -3")]
    [InlineData("model.vocab.Zzz", "2000000000", "token \"Zzz\" has id 2000000000")]
    [InlineData("model.vocab.Zzz", "\"x\"", "is not a tokenizer.json")]
    [InlineData("model.merges", "[\"Q qqq\"]", "merge 0, \"Q qqq\"")]
    [InlineData("model.merges", "[\"a\"]", "merge 0, \"a\"")]
    [InlineData("model.merges", "5", "is not a tokenizer.json")]
    [InlineData("model", "null", "is not a tokenizer.json")]
    [InlineData("added_tokens", """[{"id":-1,"content":"<x>","special":true}]""", "added token \"<x>\" has id -1")]
    [InlineData("post_processor",
        """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<nope>"}},{"Sequence":{"id":"A"}}]}""",
        "the template's token \"<nope>\" is not in the vocabulary")]
    public void A_damaged_file_is_refused(string path, string value, string message)
    {
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<CrossheadException>(
            () => TokenizerTests.Load(folder, TokenizerTests.Json(folder, json => Set(json, path, value)))).Message;
        Assert.Contains(message, error);
        Assert.Contains("changed.json", error);
        Assert.DoesNotContain('\n', error);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"model\": {")]
    [InlineData("[]")]
    [InlineData("\0\u0001binary")]
    public void A_file_that_is_no_JSON_object_is_refused(string contents)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("t.json"), contents);
        var error = Assert.Throws<CrossheadException>(() => Tokenizer.Load(folder.File("t.json"))).Message;
        Assert.Contains("t.json is not a tokenizer.json", error);
        Assert.DoesNotContain('\n', error);
    }

    [Fact]
    public void A_missing_file_and_a_damaged_configuration_are_named()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("does not exist", Assert.Throws<CrossheadException>(() => Tokenizer.Load(folder.Path)).Message);
        TokenizerTests.Json(folder, _ => { });
        File.WriteAllText(folder.File("tokenizer_config.json"), "{");
        Assert.Contains("tokenizer_config.json",
            Assert.Throws<CrossheadException>(() => Tokenizer.Load(folder.Path)).Message);
    }

    private static void Set(JsonObject json, string path, string value)
    {
        var steps = path.Split('.');
        JsonNode node = json;
        foreach (var step in steps[..^1])
            node = node[step]!;
        node[steps[^1]] = JsonNode.Parse(value);
    }
}
