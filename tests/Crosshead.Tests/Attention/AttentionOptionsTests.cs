using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Tests.Attention;

/// <summary>Options of a layer that are refused, each in one line.</summary>
public sealed class AttentionOptionsTests
{
    public static TheoryData<string, AttentionOptions> BadOptions => new()
    {
        { "heads (12) must be a multiple of keyValueHeads (5); use 1, 2, 3, 4, 6 or 12.",
            new() { Heads = 12, KeyValueHeads = 5 } },
        { "sinks are not for the variant differential; set sinks to false.",
            new() { Variant = AttentionVariant.Differential, Sinks = true } },
        { "latent attention needs headDim, the width of the rotated part of a head.", new() { Latent = new() } },
        { "latent attention is of the variant gqa, not mea; remove latent, or set variant to gqa.",
            new() { Variant = AttentionVariant.Mea, HeadDim = 8, Latent = new() } },
        { "latent attention has as many key/value heads as query heads; set keyValueHeads (2) to 8.",
            new() { KeyValueHeads = 2, HeadDim = 8, Latent = new() } },
        { "latent attention has no norms of queries and keys, no sinks and no sliding window; remove queryKeyNorm, "
            + "sinks and slidingWindow.", new() { HeadDim = 8, SlidingWindow = 4, Latent = new() } },
        { "latent attention has no other factor of scores than latent.scaleFactor, and no cap; remove scoreScale and "
            + "scoreCap.", new() { HeadDim = 8, ScoreScale = 0.5, Latent = new() } },
        { "heads (5040) must be a multiple of keyValueHeads (11); use 6, 7, 8, 9, 10, 12, 14 or 15.",
            new() { Heads = 5040, KeyValueHeads = 11 } },
        { "heads (7) must be a multiple of keyValueHeads (9); use 1 or 7.", new() { Heads = 7, KeyValueHeads = 9 } },
        { "heads (2147483647) must be at most 16384 and at least 1.",
            new() { Heads = int.MaxValue, KeyValueHeads = 2 } },
        { "headDim (2147483646) must be at most 65536 and at least 2.", new() { HeadDim = int.MaxValue - 1 } },
        { "keyComponents (20000) must be at most 16384 and at least 1.",
            new() { Variant = AttentionVariant.Mea, Heads = 4, KeyComponents = 20_000 } },
        { "variant (99) is unknown; known: ", new() { Variant = (AttentionVariant)99 } },
        { "headNorm (-1) is unknown; known: ", new() { HeadNorm = (HeadNormKind)(-1) } },
        { "heads (0) must be at least 1 and at most 16384.", new() { Heads = 0 } },
        { "keyValueHeads (-1) must be at least 1.", new() { Heads = 4, KeyValueHeads = -1 } },
        { "headDim (7) must be even", new() { Heads = 4, HeadDim = 7 } },
        { "hiddenSize (24) must be a multiple of heads (5); use 25", new() { Heads = 5 } },
        { "differential attention pairs heads",
            new() { Variant = AttentionVariant.Differential, Heads = 6, KeyValueHeads = 3 } },
        { "keyComponents and valueComponents (2) belong to", new() { Heads = 4, KeyComponents = 2 } },
        { "valueComponents is set, but compose leaves the values alone",
            new() { Variant = AttentionVariant.Mea, Heads = 4, Compose = ComposedParts.Keys, ValueComponents = 2 } },
        { "keyComponents (0) must be at least 1 and at most 16384.",
            new() { Variant = AttentionVariant.Mea, Heads = 4, KeyComponents = 0 } },
        { "keyGrain frequency needs keys composed of fewer components than heads; set keyComponents to at most 3",
            new() { Variant = AttentionVariant.Mea, Heads = 4, KeyGrain = KeyGrain.Frequency } },
        { "valueGrain (dense) and valueRank (null) belong together",
            new() { Variant = AttentionVariant.Mea, Heads = 4, ValueGrain = ValueGrain.Dense } },
        { "valueGrain (head) and valueRank (5) belong together",
            new() { Variant = AttentionVariant.Mea, Heads = 4, ValueRank = 5 } },
        { "valueRank (0) must be at least 1",
            new() { Variant = AttentionVariant.Mea, Heads = 4, ValueGrain = ValueGrain.Dense, ValueRank = 0 } },
        { "valueRank (5) and valueComponents (2) are both set", new()
        {
            Variant = AttentionVariant.Mea,
            Heads = 4,
            ValueGrain = ValueGrain.Dense,
            ValueRank = 5,
            ValueComponents = 2,
        } },
        { "queryKeyNorm is for the variants gqa and mea-no-norm, not for differential",
            new() { Variant = AttentionVariant.Differential, Heads = 4, QueryKeyNorm = true } },
        { "slidingWindow (0) must be at least 1", new() { Heads = 4, SlidingWindow = 0 } },
        { "slidingWindow is not supported for differential",
            new() { Variant = AttentionVariant.Differential, Heads = 4, SlidingWindow = 5 } },
        { "headNormEpsilon (0) must be more than 0", new() { HeadNormEpsilon = 0 } },
        { "headNormStart (NaN) must be a finite number", new() { HeadNormStart = double.NaN } },
    };

    [Theory]
    [MemberData(nameof(BadOptions))]
    public void Options_that_do_not_fit_never_reach_libtorch(string message, AttentionOptions options)
    {
        var error = Assert.Throws<CrossheadException>(
            () => AttentionFactory.Create(new ParameterScope(ScalarType.Float32, CPU),
                AttentionCases.Width, options, 0));
        Assert.StartsWith(message, error.Message);
    }

    [Fact]
    public void An_unknown_variant_is_refused_with_a_suggestion() =>
        Assert.Contains("did you mean \"groupnorm\"?",
            Assert.Throws<CrossheadException>(() => AttentionVariants.Parse("groupnrom")).Message);
}
