namespace Crosshead.Text.Tokenizers.Normalizers;

/// <summary>Puts a prefix before a text that is not empty.</summary>
internal sealed record PrependNormalizer(string Prefix) : INormalizer
{
    public string? Normalize(ReadOnlySpan<char> text) => text.IsEmpty ? null : string.Concat(Prefix, text);
}
