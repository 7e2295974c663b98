namespace Crosshead.Attention.Caches;

/// <summary>What decoding keeps per token in one layer. Every cache and every count of its size follows this.</summary>
/// <param name="Keys">The rows of keys.</param>
/// <param name="Values">The rows of values.</param>
/// <param name="KeyFactors">
/// Number of factors that scores are multiplied by, one per composed key head; 0 for none.
/// </param>
public sealed record CacheLayout(CachedRows Keys, CachedRows Values, int KeyFactors = 0)
{
    /// <summary>Numbers kept per token.</summary>
    public long ElementsPerToken => Keys.Elements + Values.Elements + KeyFactors;
}

/// <summary>Rows of keys or of values that are kept per token.</summary>
/// <param name="Count">Number of rows.</param>
/// <param name="Width">Width of a row.</param>
/// <param name="AreComponents">
/// Whether the one row holds components, from which all heads are composed. False: a row is a head.
/// </param>
public readonly record struct CachedRows(int Count, int Width, bool AreComponents = false)
{
    /// <summary>Numbers kept per token.</summary>
    public long Elements => (long)Count * Width;
}
