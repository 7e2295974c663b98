using static TorchSharp.torch;

namespace Crosshead.Attention.Caches;

/// <summary>Queries of new tokens, and what the cache keeps of all tokens, the new ones among them.</summary>
/// <param name="Query">[B, N, h, width]; they carry the mix of keys that are kept as components.</param>
/// <param name="Keys">[B, rows, T, width]</param>
/// <param name="Values">[B, rows', T, width']</param>
/// <param name="KeyFactors">Factors of scores [B, g, T]; null for none.</param>
internal readonly record struct KeptTokens(Tensor Query, Tensor Keys, Tensor Values, Tensor? KeyFactors = null)
{
    /// <summary>Adds projected tokens to a cache.</summary>
    /// <param name="cache">What is kept of earlier tokens.</param>
    /// <param name="query">[B, N, h, width]</param>
    /// <param name="key">Heads or components side by side, [B, N, n, d].</param>
    /// <param name="value">Likewise.</param>
    /// <param name="place">Where they go.</param>
    public static KeptTokens Append(KeyValueCache cache, Tensor query, Tensor key, Tensor value, CachePlace place)
    {
        var (keys, values) = cache.Append(cache.AsKeys(key), cache.AsValues(value), place);
        return new KeptTokens(query, keys, values);
    }
}
