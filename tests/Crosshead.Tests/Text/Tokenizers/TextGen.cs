using CsCheck;

namespace Crosshead.Tests.Text.Tokenizers;

/// <summary>Generators of text.</summary>
internal static class TextGen
{
    /// <summary>One of the given strings.</summary>
    public static Gen<string> OneOf(params string[] choices) => Gen.Int[0, choices.Length - 1].Select(i => choices[i]);
}
