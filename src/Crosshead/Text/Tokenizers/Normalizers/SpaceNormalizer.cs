using System.Text;

namespace Crosshead.Text.Tokenizers.Normalizers;

/// <summary>
/// SentencePiece's remove_extra_whitespaces: no space at either end, no <paramref name="Mark"/> of one at the end
/// either, and one space where there were several.
/// </summary>
internal sealed record SpaceNormalizer(char Mark) : INormalizer
{
    public string? Normalize(ReadOnlySpan<char> text)
    {
        var trimmed = text.TrimStart(' ').TrimEnd([' ', Mark]);
        if (!trimmed.Contains("  ", StringComparison.Ordinal))
            return trimmed.Length == text.Length ? null : trimmed.ToString();
        var result = new StringBuilder(trimmed.Length);
        foreach (var character in trimmed)
            if (character != ' ' || result[^1] != ' ')
                result.Append(character);
        return result.ToString();
    }
}
