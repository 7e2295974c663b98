namespace Crosshead.Text.Tokenizers.Normalizers;

/// <summary>Changes text before it is cut into words. Immutable.</summary>
internal interface INormalizer
{
    /// <summary>The normalized <paramref name="text"/>; null if it is unchanged.</summary>
    string? Normalize(ReadOnlySpan<char> text);
}
