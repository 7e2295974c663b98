namespace Crosshead.Text.Tokenizers.Normalizers;

/// <summary>Replaces every occurrence of a text by another text.</summary>
internal sealed record ReplaceNormalizer(string Old, string Replacement) : INormalizer
{
    /// <summary>Whether no <paramref name="character"/> is left after it.</summary>
    public bool Removes(char character) => Old.Length == 1 && Old[0] == character && !Replacement.Contains(character);

    public string? Normalize(ReadOnlySpan<char> text) =>
        text.Contains(Old, StringComparison.Ordinal)
        ? text.ToString().Replace(Old, Replacement, StringComparison.Ordinal) : null;
}
