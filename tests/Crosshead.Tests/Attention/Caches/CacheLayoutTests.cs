using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Attention.Composition;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Tests.Attention.Caches;

/// <summary>
/// What the cache keeps per token, worked out by hand for model width 24, 4 query heads and so head width 6.
/// </summary>
public sealed class CacheLayoutTests
{
    private const int Width = 24;
    private static readonly CachedRows FourHeads = new(4, 6), TwoHeads = new(2, 6);
    private static readonly AttentionOptions Mea = new() { Variant = AttentionVariant.Mea, Heads = 4 };
    private static readonly AttentionOptions NoNorm = Mea with { Variant = AttentionVariant.MeaNoNorm };
    private static readonly AttentionOptions Dense = Mea with { ValueGrain = ValueGrain.Dense };

    public static TheoryData<AttentionOptions, CacheLayout, long> Cases => new()
    {
        // Whole heads.
        { new() { Heads = 4 }, new(FourHeads, FourHeads), 48 },
        { new() { Heads = 4, KeyValueHeads = 2 }, new(TwoHeads, TwoHeads), 24 },
        { new() { Heads = 4, KeyValueHeads = 1 }, new(new(1, 6), new(1, 6)), 12 },
        { new() { Heads = 4, KeyValueHeads = 2, HeadDim = 10 }, new(new(2, 10), new(2, 10)), 40 },
        { new() { Heads = 4, KeyValueHeads = 2, QueryKeyNorm = true }, new(TwoHeads, TwoHeads), 24 },
        { new() { Variant = AttentionVariant.GroupNorm, Heads = 4, KeyValueHeads = 2 }, new(TwoHeads, TwoHeads), 24 },
        { new() { Variant = AttentionVariant.TalkingHeads, Heads = 4, KeyValueHeads = 2 },
            new(TwoHeads, TwoHeads), 24 },
        // The two maps of a pair read the same values: two heads side by side.
        { new() { Variant = AttentionVariant.Differential, Heads = 4 }, new(FourHeads, new(2, 12)), 48 },
        { new() { Variant = AttentionVariant.Differential, Heads = 4, KeyValueHeads = 2 },
            new(TwoHeads, new(1, 12)), 24 },
        // Components that are no fewer than the heads: the heads are kept.
        { Mea, new(FourHeads, FourHeads), 48 },
        { NoNorm, new(FourHeads, FourHeads), 48 },
        { Mea with { KeyValueHeads = 2, KeyComponents = 3, ValueComponents = 5 }, new(TwoHeads, TwoHeads), 24 },
        { Mea with { KeyValueHeads = 1, KeyComponents = 1, ValueComponents = 1 }, new(new(1, 6), new(1, 6)), 12 },
        // Fewer components: one row of them.
        { Mea with { KeyComponents = 2, ValueComponents = 1 }, new(new(1, 12, true), new(1, 6, true)), 18 },
        { NoNorm with { KeyComponents = 3 }, new(new(1, 18, true), FourHeads), 42 },
        { Mea with { KeyComponents = 2, Compose = ComposedParts.Keys }, new(new(1, 12, true), FourHeads), 36 },
        { Mea with { ValueComponents = 2, Compose = ComposedParts.Values }, new(FourHeads, new(1, 12, true)), 36 },
        { Mea with { KeyGrain = KeyGrain.Frequency, KeyComponents = 3 }, new(new(1, 18, true), FourHeads), 42 },
        // Any number of values where the mix is dense; from 4 · 6 on, the heads are kept.
        { Dense with { ValueRank = 7 }, new(FourHeads, new(1, 7, true)), 31 },
        { Dense with { ValueRank = 23 }, new(FourHeads, new(1, 23, true)), 47 },
        { Dense with { ValueRank = 24 }, new(FourHeads, FourHeads), 48 },
        { Dense with { ValueRank = 30 }, new(FourHeads, FourHeads), 48 },
        // Normed keys that are kept as components: one factor per head beside them.
        { NoNorm with { QueryKeyNorm = true }, new(FourHeads, FourHeads), 48 },
        { NoNorm with { QueryKeyNorm = true, KeyComponents = 2, ValueComponents = 2 },
            new(new(1, 12, true), new(1, 12, true), 4), 28 },
        { NoNorm with { QueryKeyNorm = true, ValueComponents = 2, Compose = ComposedParts.Values },
            new(FourHeads, new(1, 12, true)), 36 },
        {
            NoNorm with
            {
                QueryKeyNorm = true,
                KeyGrain = KeyGrain.Frequency,
                KeyComponents = 1,
                ValueGrain = ValueGrain.Dense,
                ValueRank = 5,
            },
            new(new(1, 6, true), new(1, 5, true), 4), 15
        },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Is_what_the_options_say(AttentionOptions options, CacheLayout layout, long elements)
    {
        options.Validate();
        Assert.Equal(layout, options.CacheLayoutFor(Width));
        Assert.Equal(elements, layout.ElementsPerToken);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Is_what_the_mechanism_fills(AttentionOptions options, CacheLayout layout, long elements)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var parameters = new ParameterScope(ScalarType.Float32, CPU);
        using var attention = AttentionFactory.Create(parameters, Width, options, 0);
        Assert.Equal(layout, attention.CacheLayout);
        using var cache = new KeyValueCache(attention.CacheLayout, batch: 2, capacity: 5, ScalarType.Float32, CPU);
        using var rotary = new RotaryEmbedding(options.HeadDimFor(Width), 5, 100, ScalarType.Float32, CPU);
        var (cos, sin) = rotary.Rows(0, 3);
        attention.Forward(ones([2, 3, Width]), new TokenView(cos, sin, null, Causal: true), cache);
        Assert.Equal(4 * elements, cache.BytesPerToken);
        foreach (var parameter in parameters.Parameters) parameter.Dispose();
    }
}
