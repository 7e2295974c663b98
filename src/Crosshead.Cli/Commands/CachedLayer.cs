using System.Text.Json.Nodes;
using Crosshead.Attention.Composition;
using Crosshead.Cli.Terminal;
using Crosshead.Model;

namespace Crosshead.Cli.Commands;

/// <summary>The numbers that decoding caches per token in a layer.</summary>
/// <param name="Index">The layer.</param>
/// <param name="KeyHeads">Key heads or components of width d.</param>
/// <param name="ValueRank">Value numbers.</param>
/// <param name="KeyGrain">What multiplies a key component.</param>
/// <param name="ValueGrain">What multiplies a value component.</param>
internal sealed record CachedLayer(int Index, int KeyHeads, int ValueRank, KeyGrain KeyGrain, ValueGrain ValueGrain)
{
    /// <summary>
    /// All layers of a model. With fewer components than heads the components are kept; otherwise the composed heads.
    /// </summary>
    public static CachedLayer[] Of(ModelOptions options)
    {
        return [.. Enumerable.Range(0, options.Layers).Select(options.AttentionOf).Select((attention, i) =>
        {
            var cache = attention.CacheLayoutFor(options.HiddenSize);
            var (keys, values) = ((int)cache.Keys.Elements / options.HeadDim, (int)cache.Values.Elements);
            return new CachedLayer(i, keys, values, attention.KeyGrain, attention.ValueGrain);
        })];
    }

    /// <summary>Whether less than whole heads is kept.</summary>
    public bool IsReduced(ModelOptions options) =>
        KeyHeads < options.Attention.Groups || ValueRank < options.Attention.Groups * options.HeadDim;

    /// <summary>The layer as JSON.</summary>
    public JsonObject ToJson() => new()
    {
        ["layer"] = Index,
        ["keyHeads"] = KeyHeads,
        ["valueRank"] = ValueRank,
        ["keyGrain"] = EnumName.Of(KeyGrain),
        ["valueGrain"] = EnumName.Of(ValueGrain),
    };
}
