using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Decoding.TensorParallel;
using Crosshead.Layers;
using Crosshead.Model;
using Crosshead.Tests.Generation;
using static TorchSharp.torch;

namespace Crosshead.Tests.Decoding.TensorParallel;

/// <summary>Tiny models of every kind that ranks share out differently.</summary>
internal static class SharedShapes
{
    private static readonly AttentionOptions Grouped = new() { Heads = 8, KeyValueHeads = 4, HeadDim = 8 };
    private static readonly AttentionOptions Mea =
        Grouped with { Variant = AttentionVariant.Mea, MixStart = MixStart.Normal };
    private static readonly AttentionOptions Virtual = Grouped with { Variant = AttentionVariant.MeaNoNorm };
    private static readonly ExpertOptions Sparse = new() { Count = 8, PerToken = 3, InnerSize = 16 };

    private static readonly Dictionary<string, ModelOptions> All = new()
    {
        ["llama"] = Of(Grouped),
        ["llama, tied"] = Of(Grouped) with { TieEmbeddings = true },
        ["biases everywhere"] =
            Of(Grouped with { ProjectionBias = true, OutputBias = true }) with { FeedForwardBias = true },
        ["query-key norm"] = Of(Grouped with { QueryKeyNorm = true }),
        ["window, sinks"] = Of(Grouped with { SlidingWindow = 12, Sinks = true }),
        ["a vocabulary that is not divided"] = Of(Grouped) with { VocabularySize = 37 },
        ["experts, as in Qwen3-MoE"] = Of(Grouped with { QueryKeyNorm = true }) with { Experts = Sparse },
        ["experts with biases, shared ones, a dense layer"] = Of(Grouped) with
        {
            Experts = Sparse with { Bias = true, RouterBias = true, Shared = 1, DenseLayers = [0] },
        },
        ["sandwich norms"] = Of(Grouped) with { Block = new BlockOptions { Form = BlockForm.Sandwich } },
        ["parallel block"] = Of(Grouped) with { Block = new BlockOptions { Form = BlockForm.Parallel } },
        ["mea"] = Of(Mea),
        ["mea, norm per head"] = Of(Mea with { HeadNorm = HeadNormKind.PerHead }),
        ["mea, half the cache"] = Of(Mea with { KeyComponents = 2, ValueComponents = 2 }),
        ["mea, a quarter"] = Of(Mea with { KeyComponents = 1, ValueComponents = 1 }),
        ["keys alone, by frequency"] = Of(Virtual with
        {
            Compose = ComposedParts.Keys,
            KeyGrain = KeyGrain.Frequency,
            KeyComponents = 2,
            ProjectionBias = true,
        }),
        ["values alone, dense"] = Of(Virtual with
        {
            Compose = ComposedParts.Values,
            ValueGrain = ValueGrain.Dense,
            ValueRank = 11,
        }),
        ["frequency and dense, query-key norm"] = Of(Virtual with
        {
            KeyGrain = KeyGrain.Frequency,
            KeyComponents = 1,
            ValueGrain = ValueGrain.Dense,
            ValueRank = 12,
            QueryKeyNorm = true,
        }),
        ["partial and dense"] = Of(Virtual with
        {
            KeyGrain = KeyGrain.Partial,
            KeyComponents = 1,
            ValueGrain = ValueGrain.Dense,
            ValueRank = 12,
            QueryKeyNorm = true,
            Rotated = 2,
        }),
        ["virtual heads in one layer"] = Of(Grouped with { QueryKeyNorm = true }) with
        {
            VirtualHeads =
            [
                null,
                new VirtualHeads
                {
                    KeyGrain = KeyGrain.Frequency,
                    KeyComponents = 2,
                    ValueGrain = ValueGrain.Dense,
                    ValueRank = 16,
                },
            ],
        },
        ["latent"] = Of(new AttentionOptions
        {
            Heads = 4,
            HeadDim = 8,
            Latent = new LatentOptions { Rank = 12, QueryRank = 10, PlainWidth = 6, ValueWidth = 10 },
        }),
    };

    /// <summary>All names, for theories.</summary>
    public static TheoryData<string> Names => [.. All.Keys];

    /// <summary>The shape of a name.</summary>
    public static ModelOptions Named(string name) => All[name];

    /// <summary>The shape of a name with heads as wide as the kernels of GPUs want them.</summary>
    public static ModelOptions Wide(string name)
    {
        var shape = Named(name);
        return shape with
        {
            HiddenSize = 128,
            Layers = 2,
            FeedForwardSize = 128,
            Attention = shape.Attention with
            {
                HeadDim = 64,
                ValueRank = shape.Attention.ValueRank is null ? null : 64,
            },
            Experts = shape.Experts is { } experts ? experts with { InnerSize = 64 } : null,
        };
    }

    /// <summary>Shares a model out to the first two GPUs.</summary>
    public static TensorParallelModel OnGpus(LanguageModel whole, ScalarType type) =>
        TensorParallelModel.Of(whole.Options, 2, new Device("cuda:0"),
            (part, device) => ThreadRanks.Part(whole, part, type, device));

    private static ModelOptions Of(AttentionOptions attention) => TinyModels.Options(attention) with
    {
        VocabularySize = 40,
        FeedForwardSize = 32,
        Context = 300,
    };
}
