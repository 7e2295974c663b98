namespace Crosshead.Text.Tokenizers.Normalizers;

/// <summary>Normalizers one after the other. The list may be empty.</summary>
internal sealed class NormalizerSequence(IReadOnlyList<INormalizer> steps) : INormalizer
{
    public static readonly NormalizerSequence None = new([]);

    public IReadOnlyList<INormalizer> Steps { get; } = steps;

    public string? Normalize(ReadOnlySpan<char> text)
    {
        string? result = null;
        foreach (var step in Steps)
            result = step.Normalize(result ?? text) ?? result;
        return result;
    }
}
