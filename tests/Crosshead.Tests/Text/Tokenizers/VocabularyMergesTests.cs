using System.Text.Json.Nodes;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Tests.Text.Tokenizers;

/// <summary>vocab.json with merges.txt, made of a tokenizer.json, reads as that does.</summary>
public sealed class VocabularyMergesTests
{
    [Fact]
    public void Ids_are_those_of_the_same_tokenizer_json()
    {
        using var folder = Pair("""{"tokenizer_class":"GPT2TokenizerFast"}""");
        var pair = Tokenizer.Load(folder.Path);
        foreach (var text in TokenizerFixture.Texts)
            TokenizerFixture.AssertIds(text, TinyTokenizer.Gpt2.Encode(text), pair.Encode(text));
        Assert.Equal(TinyTokenizer.Gpt2.AddedTokens.Select(token => token.Content),
            pair.AddedTokens.Select(token => token.Content));
    }

    [Fact]
    public void Qwen_2_s_class_normalizes_and_cuts_digits_and_its_configuration_adds_tokens()
    {
        var end = TinyTokenizer.Gpt2.VocabularySize;
        using var folder = Pair(
            """{"tokenizer_class":"Qwen2Tokenizer","eos_token":"<|im_end|>","added_tokens_decoder":{"END":{"content":"<|im_end|>","special":true},"0":{"content":"<|endoftext|>","special":true}}}""".Replace(
            "END", $"{end}", StringComparison.Ordinal));
        var tokenizer = Tokenizer.Load(folder.Path);
        Assert.Equal(end, tokenizer.EosTokenId);
        Assert.Equal([end, 0], tokenizer.Encode("<|im_end|><|endoftext|>"));
        Assert.Equal(tokenizer.Encode("é"), tokenizer.Encode("e\u0301"));
        Assert.Equal(2, tokenizer.Encode("42").Length);
        Assert.Single(TinyTokenizer.Gpt2.Encode("42"));
    }

    [Fact]
    public void Saving_copies_both()
    {
        using var folder = Pair(null);
        using var to = new TemporaryFolder();
        Tokenizer.Load(folder.Path).Save(to.Path);
        foreach (var file in (string[])["vocab.json", "merges.txt"])
            Assert.Equal(File.ReadAllBytes(folder.File(file)), File.ReadAllBytes(to.File(file)));
        Assert.Equal(Tokenizer.Load(folder.Path).Sha256, Tokenizer.Load(to.Path).Sha256);
    }

    [Theory]
    [InlineData("vocab.json", "{\"a\": 1", "vocab.json is not a vocabulary")]
    [InlineData("vocab.json", "null", "vocab.json is not a vocabulary")]
    [InlineData("vocab.json", "{\"a\": -1}", "token \"a\" has id -1")]
    [InlineData("merges.txt", "a", "merge 0, \"a\"")]
    [InlineData("merges.txt", "#version: 0.2\n", "has 0 merges, none of which makes the token")]
    [InlineData("tokenizer_config.json", "{\"tokenizer_class\": \"BertTokenizer\"}",
        "the tokenizer_class BertTokenizer without a tokenizer.json")]
    [InlineData("tokenizer_config.json", "{\"added_tokens_decoder\": {\"x\": {}}}", "tokenizer_config.json")]
    public void Damage_is_refused_in_one_line(string file, string content, string message)
    {
        using var folder = Pair(null);
        File.WriteAllText(folder.File(file), content);
        Assert.Contains(message, Refused(folder));
    }

    [Fact]
    public void Merges_that_are_cut_off_or_absent_are_refused()
    {
        using var folder = Pair(null);
        var lines = File.ReadAllLines(folder.File("merges.txt"));
        File.WriteAllLines(folder.File("merges.txt"), lines[..^1]);
        Assert.Contains("it is cut off", Refused(folder));
        File.Delete(folder.File("merges.txt"));
        Assert.Contains("merges.txt", Refused(folder));
    }

    private static string Refused(TemporaryFolder folder)
    {
        var error = Assert.Throws<CrossheadException>(() => Tokenizer.Load(folder.Path)).Message;
        Assert.DoesNotContain('\n', error);
        return error;
    }

    private static TemporaryFolder Pair(string? config)
    {
        using var source = new TemporaryFolder();
        TinyTokenizer.Gpt2.Save(source.Path);
        var model = JsonNode.Parse(File.ReadAllText(source.File("tokenizer.json")))!["model"]!;
        var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("vocab.json"), model["vocab"]!.ToJsonString());
        File.WriteAllLines(folder.File("merges.txt"),
            ["#version: 0.2", .. model["merges"]!.AsArray().Select(merge => merge!.GetValue<string>())]);
        if (config is not null)
            File.WriteAllText(folder.File("tokenizer_config.json"), config);
        return folder;
    }
}
