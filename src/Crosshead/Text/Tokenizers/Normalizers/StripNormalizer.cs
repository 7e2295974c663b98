namespace Crosshead.Text.Tokenizers.Normalizers;

/// <summary>Removes white space from the ends of a text.</summary>
internal sealed record StripNormalizer(bool Left, bool Right) : INormalizer
{
    public string? Normalize(ReadOnlySpan<char> text)
    {
        var stripped = Left ? text.TrimStart() : text;
        if (Right) stripped = stripped.TrimEnd();
        return stripped.Length == text.Length ? null : stripped.ToString();
    }
}
