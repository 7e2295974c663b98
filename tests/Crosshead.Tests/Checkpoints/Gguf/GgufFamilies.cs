using Crosshead.Attention;
using Crosshead.Layers;
using Crosshead.Model;

namespace Crosshead.Tests.Checkpoints.Gguf;

/// <summary>Small models of the families that have GGUF architectures of their own.</summary>
internal static class GgufFamilies
{
    private static readonly RopeScaling s_yarn =
        new() { Kind = RopeScalingKind.Yarn, Factor = 4, OriginalContext = 16 };

    /// <summary>All of them.</summary>
    /// <param name="plain">A small Llama: 32 wide, 4 heads of 16, 2 key/value heads.</param>
    public static Dictionary<string, ModelOptions> Of(ModelOptions plain)
    {
        var (four, attention) = (plain with { Layers = 4 }, plain.Attention);
        // Heads that are together as wide as the model.
        var narrow = attention with { HeadDim = 8 };
        var experts = new ExpertOptions { Count = 4, PerToken = 2, InnerSize = 32 };
        var deepSeek = experts with
        {
            Scoring = ExpertScoring.Sigmoid,
            ChoiceBias = true,
            Shared = 1,
            DenseLayers = [0],
            WeightFactor = 2.5,
            Groups = 2,
        };
        var gemma = four with
        {
            NormEpsilon = 1e-6,
            TieEmbeddings = true,
            Block = new()
            {
                Form = BlockForm.Sandwich,
                NormOffset = 1,
                EmbeddingMultiplier = Math.Sqrt(plain.HiddenSize),
                Activation = Activation.GeluTanh,
            },
            Attention = attention with { ScoreScale = 0.25, SlidingWindow = 8 },
        };
        var olmo = four with
        {
            NormEpsilon = 1e-6,
            Block = new() { Form = BlockForm.PostNorm },
            Attention = narrow with { QueryKeyNorm = true, QueryKeyNormSpan = QueryKeyNormSpan.AllHeads },
        };
        return new()
        {
            ["mixtral"] = plain with { Family = ModelFamily.Mixtral, FeedForwardSize = 32, Experts = experts },
            ["granite"] = plain with
            {
                Family = ModelFamily.Granite,
                Block = new() { EmbeddingMultiplier = 12, ResidualMultiplier = 0.22, LogitMultiplier = 0.125 },
                Attention = attention with { ScoreScale = 0.1 },
            },
            ["seed-oss"] = plain with
            {
                Family = ModelFamily.SeedOss,
                Attention = attention with { ProjectionBias = true },
            },
            ["phi3"] = plain with
            {
                Family = ModelFamily.Phi3,
                RotaryDims = 4,
                RopeScaling = new()
                {
                    Kind = RopeScalingKind.LongRope,
                    Factor = 2,
                    OriginalContext = 32,
                    ShortFactors = [1, 1.25],
                    LongFactors = [1.5, 3.75],
                },
                Attention = narrow,
            },
            ["smollm3"] = four with { Family = ModelFamily.SmolLm3, UnrotatedLayers = [3] },
            ["olmo2"] = olmo with { Family = ModelFamily.Olmo2 },
            ["olmo3"] = olmo with
            {
                Family = ModelFamily.Olmo3,
                FullAttentionLayers = [3],
                RopeScaling = s_yarn,
                WindowRotary = new(),
                Attention = olmo.Attention with { SlidingWindow = 8 },
            },
            ["glm4"] = plain with
            {
                Family = ModelFamily.Glm4,
                RotaryDims = 8,
                Block = new() { Form = BlockForm.Sandwich },
                Attention = attention with { ProjectionBias = true },
            },
            ["ministral3"] = plain with
            {
                Family = ModelFamily.Ministral3,
                RopeScaling = s_yarn with
                {
                    QueryGrowth = 0.1,
                    FastTurns = 16,
                    MagnitudeScale = 1,
                    MagnitudeScaleAllDimensions = 1,
                },
            },
            ["gemma2"] = gemma with
            {
                Family = ModelFamily.Gemma2,
                FullAttentionLayers = [1, 3],
                Block = gemma.Block with { LogitCap = 20 },
                Attention = gemma.Attention with { ScoreCap = 40 },
            },
            ["gemma3"] = gemma with
            {
                Family = ModelFamily.Gemma3,
                FullAttentionLayers = [2],
                RopeBase = 1e6,
                RopeScaling = new() { Factor = 8 },
                WindowRotary = new(),
                Attention = gemma.Attention with { QueryKeyNorm = true, QueryKeyNormOffset = 1 },
            },
            ["cohere2"] = four with
            {
                Family = ModelFamily.Cohere2,
                TieEmbeddings = true,
                FullAttentionLayers = [3],
                UnrotatedLayers = [3],
                Block = new() { Form = BlockForm.Parallel, Norm = NormKind.Layer, LogitMultiplier = 0.25 },
                Attention = narrow with { SlidingWindow = 8 },
            },
            ["glm4-moe"] = plain with
            {
                Family = ModelFamily.Glm4Moe,
                RotaryDims = 8,
                NormEpsilon = 1e-6,
                Experts = deepSeek,
                Attention = attention with { ProjectionBias = true, QueryKeyNorm = true },
            },
            ["gpt-oss"] = four with
            {
                Family = ModelFamily.GptOss,
                FullAttentionLayers = [1, 3],
                RopeScaling = s_yarn with { Truncate = false },
                Experts = experts with { RouterBias = true, Bias = true, SwiGluLimit = 7 },
                Attention = attention with
                {
                    Sinks = true,
                    ProjectionBias = true,
                    OutputBias = true,
                    SlidingWindow = 8,
                },
            },
            ["deepseek-v3"] = plain with
            {
                Family = ModelFamily.DeepseekV3,
                NormEpsilon = 1e-6,
                Experts = deepSeek,
                Attention = new()
                {
                    Heads = 4,
                    HeadDim = 8,
                    Latent = new() { Rank = 24, QueryRank = 20, PlainWidth = 16, ValueWidth = 16 },
                },
            },
        };
    }
}
