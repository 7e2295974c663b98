namespace Crosshead.Generation;

/// <summary>Which rows of the logits are tokens that may be drawn at all.</summary>
internal sealed class DrawableTokens
{
    private readonly int[] _suppressed;

    /// <summary>All tokens but some.</summary>
    /// <param name="logits">Number of logits.</param>
    /// <param name="suppressed">Tokens that are never drawn, in ascending order; null for none.</param>
    /// <exception cref="CrossheadException">All tokens are suppressed.</exception>
    public DrawableTokens(int logits, IReadOnlyList<int>? suppressed = null)
    {
        var (last, count) = (logits - 1, suppressed?.Count ?? 0);
        while (count > 0 && suppressed![count - 1] == last) (last, count) = (last - 1, count - 1);
        if (last < 0)
            throw new CrossheadException($"none of the {logits} tokens of the model may be drawn; put the tokenizer "
                + $"beside it that it was trained with.");
        (Logits, Count, _suppressed) = (logits, last + 1, [.. suppressed?.Take(count) ?? []]);
    }

    /// <summary>Number of logits.</summary>
    public int Logits { get; }

    /// <summary>Number of logits up to the last token that may be drawn.</summary>
    public int Count { get; }

    /// <summary>Tokens before that one which may not be drawn, in ascending order.</summary>
    public ReadOnlySpan<int> Suppressed => _suppressed;

    /// <summary>Whether a token may be drawn.</summary>
    public bool Contains(int id) => id >= 0 && id < Count && Array.BinarySearch(_suppressed, id) < 0;
}
