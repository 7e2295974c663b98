using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Models;

namespace Crosshead.Tests.Text.Tokenizers;

/// <summary>The texts that Transformers' decode gives where its tokenizer_config.json asks for cleaning.</summary>
public sealed class SpaceCleanupTests
{
    [Theory]
    [InlineData("Hello , world .", "Hello, world.")]
    [InlineData("Is it ? It is !", "Is it? It is!")]
    [InlineData("do n't , I 'm , it 's , we 've , you 're", "don't, I'm, it's, we've, you're")]
    [InlineData("the dogs ' bones", "the dogs'bones")]
    [InlineData("1 ; 2 : 3 (4 )", "1 ; 2 : 3 (4 )")]
    [InlineData("", "")]
    public void Spaces_before_punctuation_go(string text, string cleaned) =>
        Assert.Equal(cleaned, SpaceCleanup.Of(text));

    [Theory]
    [InlineData("""{"clean_up_tokenization_spaces":true}""", true)]
    [InlineData("""{"clean_up_tokenization_spaces":false}""", false)]
    [InlineData("{}", false)]
    public void The_configuration_says_whether(string config, bool cleans)
    {
        using var folder = new TemporaryFolder();
        TinyTokenizer.Gpt2.Save(folder.Path);
        File.WriteAllText(folder.File("tokenizer_config.json"), config);
        Assert.Equal(cleans, Tokenizer.Load(folder.Path).CleansUpSpaces);
    }
}
