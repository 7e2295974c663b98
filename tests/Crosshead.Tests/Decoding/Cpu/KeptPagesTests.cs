using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Decoding.Cpu;
using Crosshead.Tests.Kernels;

namespace Crosshead.Tests.Decoding.Cpu;

/// <summary>
/// Scores and sums of heads of which the cache keeps fewer rows, with vectors that are rounded, against sums in double
/// precision of the same rounded numbers.
/// </summary>
public sealed unsafe class KeptPagesTests
{
    private const int HeadDim = 32, Tokens = 150, QueryHeads = 2; // query heads of a key/value head

    public KeptPagesTests() => CpuKernels.Require();

    [Theory]
    [InlineData(2, 4, 1, 0, Tokens, false)]
    [InlineData(4, 8, 1, 5, 140, false)] // begins and ends within a page
    [InlineData(4, 8, 3, 64, 128, false)]
    [InlineData(1, 2, 5, 0, 65, false)]
    [InlineData(3, 5, 4, 20, 40, false)]
    [InlineData(3, 8, 2, 5, 140, true)]
    public void Scores_and_sums_are_those_of_composed_heads(int components, int groups, int tokens, int first, int end,
        bool areDependent)
    {
        var random = new Random(7);
        var layout = new HeadLayout(Options(components, groups), 64);
        var tables = new PageTables(1, Tokens);
        using var pages = new PanelPages<PanelBFloat16Products>(layout, new CacheFormat(CacheType.BFloat16),
            tables.GiveEachItsOwn(), tables);
        using var keys = Mix(random, components, groups, areDependent);
        using var values = Mix(random, components, groups, areDependent);
        Assert.Equal(areDependent ? 0 : components, keys.Kept.Length);
        using var keyRows = Numbers(random, Tokens, components * HeadDim);
        using var valueRows = Numbers(random, Tokens, components * HeadDim);
        for (var t = 0; t < Tokens; t++)
        {
            Round(keyRows[t], keyRows.Width);
            Round(valueRows[t], valueRows.Width);
            pages.WriteKey(0, 0, t, keyRows[t], keyRows.Width);
            pages.WriteValue(0, 0, t, valueRows[t], valueRows.Width);
        }
        var heads = MixedHeads.Create(pages, layout, keys, values);
        Assert.IsType<KeptPages<PanelBFloat16Products>>(heads);

        var (span, vectors) = (new AttentionSpan(first, end), groups * QueryHeads * tokens);
        using var plain = Numbers(random, vectors, HeadDim);
        using var queries = new Rows(vectors, components * HeadDim);
        using var absorbed = new Rows(vectors, components * HeadDim);
        using var weights = Numbers(random, vectors, span.Length);
        using var encoded = new Rows(vectors, span.Length);
        for (var v = 0; v < vectors; v++)
        {
            var width = keys.Absorb(plain[v], GroupOf(v), HeadDim, absorbed[v]);
            PanelBFloat16Products.Encode(absorbed[v], width, queries[v]);
            Round(absorbed[v], width);
            new Span<float>(weights[v] + span.Count, span.Length - span.Count).Clear();
            PanelBFloat16Products.Encode(weights[v], span.Length, encoded[v]);
            Round(weights[v], span.Length);
        }
        using var scores = new Rows(vectors, span.Length);
        using var sums = new Rows(vectors, HeadDim);
        using var scratch = new Rows(1, MixedVectors.Length(layout));
        heads.Score(0, span, All(queries), All(scores), scratch[0]);
        heads.Sum(0, span, All(encoded), All(sums), scratch[0]);

        for (var v = 0; v < vectors; v++)
        {
            var kept = Array.IndexOf(keys.Kept, GroupOf(v));
            var mix = values[GroupOf(v)];
            for (var n = 0; n < span.Count; n++)
            {
                var sum = 0.0;
                for (var i = 0; i < (kept < 0 ? components : 1) * HeadDim; i++)
                    sum += absorbed[v][i] * (double)keyRows[span.Start + n][(Math.Max(0, kept) * HeadDim) + i];
                Assert.Equal(sum, scores[v][n], 1e-5);
            }
            for (var i = 0; i < HeadDim; i++)
            {
                var sum = 0.0;
                for (var n = 0; n < span.Count; n++)
                    for (var c = 0; c < components; c++)
                        sum += weights[v][n] * (double)mix[c] * valueRows[span.Start + n][(c * HeadDim) + i];
                Assert.Equal(sum, sums[v][i], 1e-4);
            }
        }

        int GroupOf(int vector) => vector / (QueryHeads * tokens);
    }

    [Theory]
    [InlineData(16, 8, 4, true)]  // Qwen3 0.6B's heads
    [InlineData(32, 8, 4, true)]  // Llama 3.2 1B's
    [InlineData(16, 16, 8, true)]
    [InlineData(8, 4, 2, true)]
    [InlineData(128, 16, 8, false)]
    public void Vectors_are_rounded_where_that_takes_less_time(int heads, int groups, int components, bool expected) =>
        Assert.Equal(expected, CachedProducts.AreFasterRounded(heads, groups, components));

    private static AttentionOptions Options(int components, int groups) => new()
    {
        Variant = AttentionVariant.MeaNoNorm,
        Heads = QueryHeads * groups,
        KeyValueHeads = groups,
        HeadDim = HeadDim,
        KeyComponents = components,
        ValueComponents = components,
    };

    // If heads need fewer components than there are, the components themselves are cached.
    private static HeadMix Mix(Random random, int components, int groups, bool areDependent)
    {
        var mix = new float[components * groups];
        for (var i = 0; i < mix.Length; i++) mix[i] = (float)(random.NextDouble() - 0.5);
        if (areDependent) mix.AsSpan(0, groups).CopyTo(mix.AsSpan(groups));
        return new HeadMix(mix, groups);
    }

    private static Rows Numbers(Random random, int count, int width)
    {
        var rows = new Rows(count, width);
        for (var n = 0; n < count; n++)
            for (var i = 0; i < width; i++) rows[n][i] = (float)(random.NextDouble() - 0.5);
        return rows;
    }

    private static PanelVectors All(Rows rows) => new(rows[0], rows.Stride, rows.Count);

    private static void Round(float* numbers, int count)
    {
        for (var i = 0; i < count; i++) numbers[i] = PanelBFloat16.ToSingle(PanelBFloat16.From(numbers[i]));
    }
}
