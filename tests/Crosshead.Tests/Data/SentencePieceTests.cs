using Crosshead.Data;

namespace Crosshead.Tests.Data;

/// <summary>Small models that SentencePiece trained, with the ids and texts that it gives.</summary>
public sealed class SentencePieceTests
{
    [Theory]
    [InlineData("defaults")]
    [InlineData("plain")]
    [InlineData("no-prefix")]
    [InlineData("no-bytes")]
    public void Ids_are_those_of_SentencePiece(string name)
    {
        var tokenizer = Tokenizer.Load(TokenizerFixture.Path($"sp-{name}.model"));
        var expected = TokenizerFixture.Read("sentencepiece.json").GetProperty("models").GetProperty(name).EnumerateArray();
        foreach (var (text, pair) in TokenizerFixture.Texts.Zip(expected))
            Assert.Equal((text, string.Join(',', TokenizerFixture.Ids(pair[0]))), (text, string.Join(',', tokenizer.Encode(text, addSpecialTokens: false, parseSpecialTokens: false))));
    }
}
