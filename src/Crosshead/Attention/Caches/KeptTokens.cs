using Crosshead.Kernels.StepAttention;
using static TorchSharp.torch;

namespace Crosshead.Attention.Caches;

/// <summary>Queries of new tokens, and what the cache keeps of all tokens, the new ones among them.</summary>
/// <param name="Query">[B, N, h, width]; they carry the mix of keys that are kept as components.</param>
/// <param name="Keys">[B, rows, T, width]</param>
/// <param name="Values">[B, rows', T, width']</param>
/// <param name="KeyFactors">Factors of scores [B, g, T]; null for none.</param>
/// <param name="Table">
/// Not null if keys, values and factors are all pages of the cache, with the number of the page in place of B and the
/// tokens of a page in place of T: the pages of each sequence [B, n].
/// </param>
/// <param name="Scales">What keys and values are multiples of; null where they are numbers themselves.</param>
internal readonly record struct KeptTokens(
    Tensor Query, Tensor Keys, Tensor Values, Tensor? KeyFactors = null, Tensor? Table = null,
    CacheScales? Scales = null)
{
    /// <summary>Queries [B, N, h, d] without the mix; null where no layer reads composed keys.</summary>
    public Tensor? PlainQuery { get; init; }

    /// <summary>Adds projected tokens to a cache.</summary>
    /// <param name="cache">What is kept of earlier tokens.</param>
    /// <param name="query">[B, N, h, width]</param>
    /// <param name="key">Heads or components side by side, [B, N, n, d].</param>
    /// <param name="value">Likewise.</param>
    /// <param name="place">Where they go.</param>
    public static KeptTokens Append(KeyValueCache cache, Tensor query, Tensor key, Tensor value, CachePlace place)
    {
        var (keys, values) = cache.Append(cache.AsKeys(key), cache.AsValues(value), place);
        return new KeptTokens(query, keys, values, Table: place.Table, Scales: cache.Scales);
    }

    /// <summary>
    /// The same with the tokens of each sequence side by side, copied from its pages if it has any, and as numbers.
    /// </summary>
    /// <param name="seen">Number of tokens T that the call sees.</param>
    public KeptTokens Gathered(long seen)
    {
        if (Table is null && Scales is null) return this;
        var factors = KeyFactors is { } own && Table is { } pages ? PagedRows.Gather(own, pages, seen) : KeyFactors;
        return Scales is { } scales
            ? new KeptTokens(Query, scales.OfKeys(Keys, Table, seen), scales.OfValues(Values, Table, seen), factors)
            : new KeptTokens(Query, PagedRows.Gather(Keys, Table!, seen), PagedRows.Gather(Values, Table!, seen),
                factors);
    }
}
