namespace Crosshead.Text.Tokenizers.Normalizers;

/// <summary>Replaces every occurrence of a text by another text.</summary>
internal sealed class ReplaceNormalizer(string old, string replacement) : INormalizer
{
    /// <summary>Whether no <paramref name="character"/> is left after it.</summary>
    public bool Removes(char character) => old.Length == 1 && old[0] == character && !replacement.Contains(character);

    public string? Normalize(ReadOnlySpan<char> text) =>
        text.Contains(old, StringComparison.Ordinal)
        ? text.ToString().Replace(old, replacement, StringComparison.Ordinal) : null;
}
