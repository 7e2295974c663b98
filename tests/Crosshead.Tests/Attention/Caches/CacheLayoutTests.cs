using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Attention.Composition;
using Crosshead.Decoding.Cpu;
using Crosshead.Layers;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Attention.Caches;

public sealed class CacheLayoutTests
{
    private const int Width = 24;

    // Every variant, number of heads, grain and rank that the options allow.
    private static IEnumerable<AttentionOptions> All()
    {
        foreach (var variant in Enum.GetValues<AttentionVariant>())
            foreach (var groups in new[] { 1, 2, 4 })
                foreach (var norm in new[] { false, true })
                    foreach (var compose in Enum.GetValues<ComposedParts>())
                        foreach (var keyGrain in Enum.GetValues<KeyGrain>())
                            foreach (var components in new int?[] { null, 1, 2, 3, 5 })
                                foreach (var rank in new int?[] { null, 1, 5, 6, 11, 12, 23, 24, 30 })
                                    foreach (var valueComponents in new int?[] { null, 1, 3 })
                                        yield return new AttentionOptions
                                        {
                                            Variant = variant, Heads = 4, KeyValueHeads = groups, QueryKeyNorm = norm, Compose = compose, KeyGrain = keyGrain, KeyComponents = components,
                                            ValueComponents = valueComponents, ValueRank = rank, ValueGrain = rank is null ? ValueGrain.Head : ValueGrain.Dense,
                                        };
    }

    [Fact]
    public void New_equals_old()
    {
        var count = 0;
        foreach (var options in All())
        {
            try
            {
                options.Validate();
            }
            catch (CrossheadException)
            {
                continue;
            }
            count++;
            var layout = options.CacheLayoutFor(Width);
            var scope = new ParameterScope(ScalarType.Float32, CPU);
            using var attention = AttentionFactory.Create(scope, Width, options, 0);
            Assert.Equal(attention.CacheElementsPerToken, layout.ElementsPerToken);
            using var cache = attention.CreateCache(2, 3, ScalarType.Float32);
            var (keys, values, factors) = cache.Whole;
            Assert.Equal([2, layout.Keys.Count, 3, layout.Keys.Width], keys.shape);
            Assert.Equal([2, layout.Values.Count, 3, layout.Values.Width], values.shape);
            Assert.Equal(layout.KeyFactors, factors?.shape[1] ?? 0);
            Assert.Equal(AttentionCost.Of(options, Width, 6).CacheElements, layout.ElementsPerToken);
            var heads = new HeadLayout(options, 6);
            Assert.Equal((heads.KeyRows, heads.KeyWidth, heads.SharedKeys), (layout.Keys.Count, layout.Keys.Width, layout.Keys.AreComponents));
            Assert.Equal((heads.ValueRows, heads.ValueWidth, heads.SharedValues), (layout.Values.Count, layout.Values.Width, layout.Values.AreComponents));
            Assert.Equal(heads.KeyNorms, layout.KeyFactors);
            Assert.Equal(heads.ElementsPerToken, layout.ElementsPerToken);
            Assert.Equal((Math.Min(options.KeyRows, options.Groups), Math.Min(options.ValueWidth(6), options.Groups * 6)), ((int)layout.Keys.Elements / 6, (int)layout.Values.Elements));
            foreach (var p in scope.Parameters) p.Dispose();
        }
        Assert.True(count > 500, $"{count}");
    }
}
