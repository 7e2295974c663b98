using System.Text.Json.Nodes;
using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Compression;
using Crosshead.Model;

namespace Crosshead.Cli.Commands;

/// <summary>The numbers that decoding caches per token in one layer.</summary>
/// <param name="Index">The layer's index, from 0.</param>
/// <param name="KeyHeads">Number of cached key heads or key components, each of width d.</param>
/// <param name="ValueRank">Number of cached value elements.</param>
/// <param name="KeyGrain">What multiplies a key component.</param>
/// <param name="ValueGrain">What multiplies a value component: a number, or a matrix.</param>
internal sealed record CachedLayer(int Index, int KeyHeads, int ValueRank, KeyGrain KeyGrain, ValueGrain ValueGrain)
{
    /// <summary>
    /// The cached numbers of all layers. Components are cached if they are fewer numbers than the heads. Otherwise the
    /// composed heads are cached.
    /// </summary>
    public static CachedLayer[] Of(ModelOptions options)
    {
        return [.. Enumerable.Range(0, options.Layers).Select(options.AttentionOf).Select((attention, i) =>
        {
            var cache = attention.CacheLayoutFor(options.HiddenSize);
            var (keys, values) = ((int)cache.Keys.Elements / options.HeadDim, (int)cache.Values.Elements);
            return new CachedLayer(i, keys, values, attention.KeyGrain,
                attention.Latent?.Components is null ? attention.ValueGrain : ValueGrain.Dense);
        })];
    }

    // Products with components for each number of a whole head. Up to the first, time falls with the bytes; from about
    // the second on, the processor's multipliers take longer than its memory takes for whole heads.
    private const double FewProductsOnCpu = 5, MostProductsOnCpu = 12;

    /// <summary>
    /// A sentence about the speed of decoding from the layers' components on the CPU; null if its time falls with the
    /// bytes, or nearly so. Every query head multiplies all components, but only its own whole head. Where heads share
    /// components as wholes, some heads are kept instead, of which the others are composed, which takes fewer products.
    /// Where they do not, a bfloat16 cache is multiplied twice as fast by processors with AVX512_BF16.
    /// </summary>
    public static string? SpeedRemark(ModelOptions options, CachedLayer[] layers)
    {
        if (options.Attention.Latent is not null) return null; // whole latent vectors are read the same way
        var reduced = layers.Where(l => l.IsReduced(options)).ToArray();
        var slow = reduced.Count(l => ProductsOf(l) > MostProductsOnCpu);
        var fair = reduced.Count(l => ProductsOf(l) > FewProductsOnCpu) - slow;
        var isFine = reduced.Any(l => l.KeyGrain != KeyGrain.Head || l.ValueGrain != ValueGrain.Head);
        string Faster(string share) => isFine ? $" ({share} with a bfloat16 cache and AVX512_BF16)" : "";
        if (slow > 0)
            return $"On a CPU the attention of such layers ({slow}) takes about as long as from whole heads or longer"
                + $"{Faster("0.7 to 0.9 of that")}, because each of {options.Attention.Heads} query heads multiplies "
                + $"all components; the memory is saved all the same, and {(isFine ? "without AVX512_BF16 " : "")}"
                + "--cache-type int8 multiplies faster.";
        return fair == 0 ? null
            : $"On a CPU the attention of such layers ({fair}) takes about 0.6 to 0.85 of the time from whole heads"
            + $"{Faster("half")}, because components are multiplied more often than whole heads.";

        double ProductsOf(CachedLayer layer) =>
            CachedProducts.Of(options.AttentionOf(layer.Index), options.HiddenSize)
                / (2.0 * options.Attention.Groups * options.HeadDim);
    }

    /// <summary>Whether the layer caches less than whole heads.</summary>
    public bool IsReduced(ModelOptions options)
    {
        var plain = PlainCache.Of(options);
        return KeyHeads < plain.KeyHeads || ValueRank < plain.Values;
    }

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
