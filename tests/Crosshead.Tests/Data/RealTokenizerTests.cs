using Crosshead.Data;

namespace Crosshead.Tests.Data;

/// <summary>Files of real models. The expected ids were made by other implementations of the same tokenizers.</summary>
public sealed class RealTokenizerTests
{
    [Theory]
    [InlineData("gpt2", "Hello world, it's 12345 日本", "15496,995,11,340,338,17031,2231,10545,245,98,17312,105")]
    [InlineData("llama3.1", "hello world", "128000,15339,1917")]
    [InlineData("llama2", "Hello world, it's 12345 日本", "1,22557,1526,28725,378,28742,28713,28705,28740,28750,28770,28781,28782,28705,29142,29119")]
    public void Encodes_as_others_do(string name, string text, string ids) =>
        Assert.Equal(ids, string.Join(',', Tokenizer.Load(SharedData.Path("data", "tokenizers", name)).Encode(text)));

    [Theory]
    [InlineData("gpt2", 50257)]
    [InlineData("smollm2", 49152)]
    [InlineData("llama3.1", 128256)]
    public void Half_a_million_characters_come_back(string name, int vocabulary)
    {
        var tokenizer = Tokenizer.Load(SharedData.Path("data", "tokenizers", name));
        var text = File.ReadAllText(SharedData.Path("data", "text", "wikitext2-valid.txt"))[..500_000];
        Assert.Equal(vocabulary, tokenizer.VocabularySize);
        Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text, addSpecialTokens: false)));
    }

    [Fact]
    public void What_cannot_be_followed_exactly_is_refused() =>
        Assert.Contains("the normalizer NFC", Assert.Throws<CrossheadException>(() => Tokenizer.Load(SharedData.Path("data", "tokenizers", "qwen3"))).Message);
}
