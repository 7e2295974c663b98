namespace Crosshead.Text.Tokenizers.Normalizers;

/// <summary>Changes text before it is cut into words. Immutable.</summary>
internal interface INormalizer
{
    /// <summary>The text it makes of <paramref name="text"/>; null where that is the text itself.</summary>
    string? Normalize(ReadOnlySpan<char> text);
}
