using Crosshead.Attention.Caches;
using Crosshead.Attention.Composition;

namespace Crosshead.Attention;

/// <summary>
/// Products with cached numbers that decoding on a processor takes for one token, a cached token and a layer. Whole
/// heads take one product a query head and number. Components take one a query head and number too, unless the cache
/// keeps some of the heads instead, of which the others are composed while they are read. From a bfloat16 cache, whose
/// vectors are rounded, a few more products take less time.
/// </summary>
public static class CachedProducts
{
    private const int Lanes = 16; // numbers of a head that are composed side by side

    /// <summary>Counts the products of a layer, for scores and for sums.</summary>
    /// <param name="options">The layer.</param>
    /// <param name="width">Model width D.</param>
    public static long Of(AttentionOptions options, int width)
    {
        var (cache, d) = (options.CacheLayoutFor(width), options.HeadDimFor(width));
        return Count(cache.Keys, options.KeyGrain == KeyGrain.Head)
            + Count(cache.Values, options.ValueGrain == ValueGrain.Head);

        long Count(CachedRows rows, bool ofHeads)
        {
            var components = rows.Width / d;
            return !rows.AreComponents ? (long)options.Heads * rows.Width
                : ofHeads && AreComposed(options.Heads, options.Groups, components, d)
                ? OfComposed(options.Heads, options.Groups, components) * (long)d
                : (long)options.Heads * rows.Width;
        }
    }

    /// <summary>
    /// Whether a cache keeps c of the heads instead of c components, and composes the others while it is read. That
    /// takes c·(g − c) products with each number of a head, and one with each query head after that. The alternative is
    /// c with each query head.
    /// </summary>
    /// <param name="heads">Query heads h.</param>
    /// <param name="groups">Composed heads g.</param>
    /// <param name="components">Components c.</param>
    /// <param name="headDim">Head width d.</param>
    internal static bool AreComposed(int heads, int groups, int components, int headDim) =>
        headDim % Lanes == 0 && components <= groups && OfComposed(heads, groups, components) < components * heads;

    /// <summary>
    /// Whether less time is taken by query heads that are rounded to bfloat16, two products at once, than by composing
    /// heads: those of a kept head multiply it alone, and all others every kept head.
    /// </summary>
    /// <param name="heads">Query heads h.</param>
    /// <param name="groups">Composed heads g.</param>
    /// <param name="components">Components c, and kept heads.</param>
    internal static bool AreFasterRounded(int heads, int groups, int components) =>
        heads / groups * components * (1 + groups - components) <= 2 * OfComposed(heads, groups, components);

    // Products with each number of a head.
    private static int OfComposed(int heads, int groups, int components) =>
        (components * (groups - components)) + heads;
}
