using Crosshead.Attention;
using Crosshead.Attention.Composition;

namespace Crosshead.Tests.Attention;

/// <summary>Layers of every mechanism, small enough to be worked out in plain loops.</summary>
internal static class AttentionCases
{
    /// <summary>Width of the model.</summary>
    public const int Width = 24;

    /// <summary>Tokens of a sequence.</summary>
    public const int Length = 6;

    /// <summary>Base of the rotary frequencies.</summary>
    public const double Base = 100;

    /// <summary>All names, for theories.</summary>
    public static TheoryData<string> Names => [.. Options.Keys];

    // Head counts and component counts that divide, exceed and undercut each other.
    public static readonly Dictionary<string, AttentionOptions> Options = new()
    {
        ["mha"] = new() { Heads = 4 },
        ["gqa 6/2"] = new() { Heads = 6, KeyValueHeads = 2 },
        ["mqa 4/1, wide heads"] = new() { Heads = 4, KeyValueHeads = 1, HeadDim = 10 },
        ["groupnorm"] = new() { Variant = AttentionVariant.GroupNorm, Heads = 4, KeyValueHeads = 2 },
        ["groupnorm per head"] =
            new() { Variant = AttentionVariant.GroupNorm, Heads = 4, HeadNorm = HeadNormKind.PerHead },
        ["mea c = g"] = new() { Variant = AttentionVariant.Mea, Heads = 4 },
        ["mea c < g"] = new()
        {
            Variant = AttentionVariant.Mea,
            Heads = 6,
            KeyValueHeads = 3,
            KeyComponents = 2,
            ValueComponents = 1,
        },
        ["mea c > g"] = new()
        {
            Variant = AttentionVariant.Mea,
            Heads = 4,
            KeyValueHeads = 2,
            KeyComponents = 3,
            ValueComponents = 5,
        },
        ["mea keys"] =
            new() { Variant = AttentionVariant.Mea, Heads = 4, Compose = ComposedParts.Keys, KeyComponents = 2 },
        ["mea values"] = new()
        {
            Variant = AttentionVariant.Mea,
            Heads = 4,
            Compose = ComposedParts.Values,
            ValueComponents = 2,
            HeadNorm = HeadNormKind.PerHead,
        },
        ["mea without its norm"] = new() { Variant = AttentionVariant.Mea, Heads = 4, HeadNorm = HeadNormKind.None },
        ["mea-no-norm"] =
            new() { Variant = AttentionVariant.MeaNoNorm, Heads = 6, KeyValueHeads = 2, MixStart = MixStart.Normal },
        ["biases"] = new() { Heads = 4, KeyValueHeads = 2, ProjectionBias = true, OutputBias = true },
        ["query-key norm"] = new() { Heads = 4, KeyValueHeads = 2, QueryKeyNorm = true },
        ["sinks"] = new() { Heads = 6, KeyValueHeads = 2, Sinks = true, OutputBias = true },
        ["sinks, mea c < g"] = new()
        {
            Variant = AttentionVariant.Mea,
            Heads = 6,
            KeyValueHeads = 3,
            KeyComponents = 2,
            ValueComponents = 1,
            Sinks = true,
        },
        ["latent"] = new()
        {
            Heads = 3,
            HeadDim = 4,
            Latent = new() { Rank = 5, PlainWidth = 6, ValueWidth = 7, Interleaved = false },
        },
        ["latent, queries too, neighbours"] = new()
        {
            Heads = 4,
            HeadDim = 6,
            ProjectionBias = true,
            OutputBias = true,
            Latent = new() { Rank = 9, QueryRank = 5, PlainWidth = 3, ValueWidth = 2 },
        },
        ["latent, components"] = new()
        {
            Heads = 3,
            HeadDim = 4,
            Latent = new() { Rank = 6, Components = 4, PlainWidth = 6, ValueWidth = 5 },
        },
        ["mea c < g, biases"] = new()
        {
            Variant = AttentionVariant.Mea,
            Heads = 6,
            KeyValueHeads = 3,
            KeyComponents = 2,
            ValueComponents = 2,
            ProjectionBias = true,
        },
        ["frequency keys"] = new()
        {
            Variant = AttentionVariant.MeaNoNorm,
            Heads = 6,
            KeyValueHeads = 3,
            Compose = ComposedParts.Keys,
            KeyGrain = KeyGrain.Frequency,
            KeyComponents = 2,
            ProjectionBias = true,
        },
        ["dense values"] = new()
        {
            Variant = AttentionVariant.Mea,
            Heads = 6,
            KeyValueHeads = 3,
            Compose = ComposedParts.Values,
            ValueGrain = ValueGrain.Dense,
            ValueRank = 7,
            ProjectionBias = true,
        },
        ["frequency and dense, query-key norm"] = new()
        {
            Variant = AttentionVariant.MeaNoNorm,
            Heads = 6,
            KeyValueHeads = 3,
            KeyGrain = KeyGrain.Frequency,
            KeyComponents = 1,
            ValueGrain = ValueGrain.Dense,
            ValueRank = 5,
            QueryKeyNorm = true,
        },
        ["partial keys"] = new()
        {
            Variant = AttentionVariant.MeaNoNorm,
            Heads = 4,
            HeadDim = 6,
            KeyGrain = KeyGrain.Partial,
            KeyComponents = 2,
            ValueComponents = 3,
            ProjectionBias = true,
            Rotated = 2,
        },
        ["partial and dense, query-key norm"] = new()
        {
            Variant = AttentionVariant.MeaNoNorm,
            Heads = 4,
            KeyValueHeads = 2,
            HeadDim = 6,
            KeyGrain = KeyGrain.Partial,
            KeyComponents = 1,
            ValueGrain = ValueGrain.Dense,
            ValueRank = 5,
            QueryKeyNorm = true,
            Rotated = 0,
        },
        ["head grain, query-key norm"] = new()
        {
            Variant = AttentionVariant.MeaNoNorm,
            Heads = 6,
            KeyValueHeads = 3,
            KeyComponents = 2,
            ValueComponents = 2,
            QueryKeyNorm = true,
        },
        ["talking-heads"] = new() { Variant = AttentionVariant.TalkingHeads, Heads = 4 },
        ["talking-heads 4/2"] = new() { Variant = AttentionVariant.TalkingHeads, Heads = 4, KeyValueHeads = 2 },
        ["differential"] = new() { Variant = AttentionVariant.Differential, Heads = 4 },
        ["differential 12/4"] =
            new() { Variant = AttentionVariant.Differential, Heads = 12, KeyValueHeads = 4, HeadDim = 4 },
    };
}
