using Crosshead.Decoding.Cpu;

namespace Crosshead.Tests.Decoding.Cpu;

/// <summary>The heads that a cache keeps instead of components.</summary>
public sealed class KeptHeadsTests
{
    [Theory]
    [InlineData(1, 3)]
    [InlineData(4, 8)]
    [InlineData(5, 5)]
    [InlineData(12, 32)]
    public void Other_heads_follow_from_kept_ones_with_factors_of_at_most_one(int components, int groups)
    {
        var random = new Random(components);
        double[] mix = [.. Enumerable.Range(0, components * groups).Select(_ => random.NextDouble() - 0.5)];
        double[] factors = [.. mix];
        var kept = KeptHeads.Choose(factors, components, groups);
        Assert.NotNull(kept);
        Assert.Equal(components, kept.Distinct().Count());
        Assert.All(factors, f => Assert.InRange(Math.Abs(f), 0, 1.01));
        for (var g = 0; g < groups; g++)
        {
            for (var c = 0; c < components; c++)
            {
                var sum = Enumerable.Range(0, components)
                    .Sum(i => factors[(i * groups) + g] * mix[(c * groups) + kept[i]]);
                Assert.Equal(mix[(c * groups) + g], sum, 1e-9);
            }
        }
    }

    [Fact]
    public void Kept_heads_are_themselves()
    {
        double[] factors = [1, 2, 3, 4, 1, 0, 5, -2];
        var kept = KeptHeads.Choose(factors, 2, 4);
        Assert.NotNull(kept);
        for (var i = 0; i < 2; i++)
            for (var j = 0; j < 2; j++)
                Assert.Equal(i == j ? 1 : 0, factors[(i * 4) + kept[j]]);
    }

    [Fact]
    public void Nothing_is_chosen_where_fewer_components_would_do()
    {
        Assert.Null(KeptHeads.Choose([1, 2, 3, 2, 4, 6], 2, 3));
        Assert.Null(KeptHeads.Choose([0, 0], 1, 2));
        Assert.Null(KeptHeads.Choose([double.NaN, 0], 1, 2));
        Assert.Null(KeptHeads.Choose([1, 0, 0, 1, 1, 1], 3, 2));
    }
}
