using Crosshead.Layers;
using Crosshead.Model;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>The architectures, as llama.cpp computes them.</summary>
internal static class GgufArchitectures
{
    private const int UnrotatedPeriod = 4, // of SmolLM 3
        Gemma2Layers = 46, Gemma3Layers = 62; // of the models with 27 billion parameters

    // The norm behind the attention, or the one before the feed-forward layer, has the name of the attention.
    private static readonly Dictionary<string, string> s_postNorm =
        new() { ["post_attention_layernorm"] = "post_attention_norm" };

    private static readonly Dictionary<string, string[]> s_jointFeedForward =
        new() { ["ffn_up"] = ["ffn_gate", "ffn_up"] };

    /// <summary>All of them.</summary>
    public static IReadOnlyList<GgufArchitecture> All { get; } =
    [
        new("llama", ModelFamily.Llama, ModelFamily.Mistral, ModelFamily.Mixtral)
        {
            TurnsNeighbours = true,
            ProjectionBias = GgufPresence.Optional,
            OutputBias = GgufPresence.Optional,
            FeedForwardBias = GgufPresence.Optional,
            Scaling = new() { HasDivisors = true },
            Experts = new() { Presence = GgufPresence.Optional, Form = new(), FillFeedForward = true },
            // The architecture is the same. Only Mistral's configuration has a place for a window.
            FamilyOf = o => o.Experts is not null ? ModelFamily.Mixtral
                : o.Attention.SlidingWindow is not null ? ModelFamily.Mistral : ModelFamily.Llama,
        },
        new("qwen2", ModelFamily.Qwen2) { ProjectionBias = GgufPresence.Always },
        new("qwen3", ModelFamily.Qwen3) { QueryKeyNorm = GgufPresence.Always },
        new("qwen3moe", ModelFamily.Qwen3Moe)
        {
            QueryKeyNorm = GgufPresence.Always,
            Experts = new() { Presence = GgufPresence.Always, Form = new() },
        },
        new("granite", ModelFamily.Granite)
        {
            TurnsNeighbours = true,
            ProjectionBias = GgufPresence.Optional,
            OutputBias = GgufPresence.Optional,
            FeedForwardBias = GgufPresence.Optional,
            Scaling = new() { HasDivisors = true },
            Keys =
            [
                GgufKey.Multiplier("embedding_scale",
                    (b, value) => b with { EmbeddingMultiplier = value }, b => b.EmbeddingMultiplier),
                GgufKey.Multiplier("residual_scale",
                    (b, value) => b with { ResidualMultiplier = value }, b => b.ResidualMultiplier),
                GgufKey.Multiplier("logit_scale",
                    (b, value) => b with { LogitMultiplier = 1 / value }, b => 1 / b.LogitMultiplier),
                GgufKey.ScoreScale,
            ],
        },
        new("seed_oss", ModelFamily.SeedOss) { ProjectionBias = GgufPresence.Optional, Names = s_postNorm },
        new("phi3", ModelFamily.Phi3)
        {
            HeadsFillWidth = true,
            PartialRotary = true,
            Scaling = new() { HasLongRope = true },
            Joint = new Dictionary<string, string[]>(s_jointFeedForward)
            {
                ["attn_qkv"] = ["attn_q", "attn_k", "attn_v"],
            },
        },
        new("smollm3", ModelFamily.SmolLm3)
        {
            TurnsNeighbours = true,
            Also = o => o with { UnrotatedLayers = GgufArchitecture.FullLayers(o.Layers, UnrotatedPeriod) },
        },
        new("olmo2", ModelFamily.Olmo2, ModelFamily.Olmo3)
        {
            QueryKeyNorm = GgufPresence.Always,
            Head = GgufPresence.Always,
            HeadsFillWidth = true,
            Names = s_postNorm,
            WindowPeriod = 4,
            WindowRotary = GgufWindowRotary.Unscaled,
            FamilyOf = o => o.Attention.SlidingWindow is null ? ModelFamily.Olmo2 : ModelFamily.Olmo3,
        },
        new("glm4", ModelFamily.Glm4)
        {
            TurnsNeighbours = true,
            PartialRotary = true,
            ProjectionBias = GgufPresence.Optional,
            Names = s_postNorm,
            Joint = s_jointFeedForward,
        },
        new("mistral3", ModelFamily.Ministral3)
        {
            TurnsNeighbours = true,
            Scaling = new() { HasDivisors = true, HasTurns = true, LogUnit = 1 },
            Keys = [GgufKey.QueryGrowth],
        },
        new("gemma2", ModelFamily.Gemma2)
        {
            Head = GgufPresence.Never,
            Names = s_postNorm,
            WindowPeriod = 2,
            NeedsWindow = true,
            Keys = [GgufKey.ScoreCap(50), GgufKey.LogitCap(30)],
            Also = o => GemmaScale(o, Gemma2Layers),
        },
        new("gemma3", ModelFamily.Gemma3)
        {
            QueryKeyNorm = GgufPresence.Always,
            Names = s_postNorm,
            WindowPeriod = 6,
            NeedsWindow = true,
            WindowRotary = GgufWindowRotary.OwnBase,
            Also = o => GemmaScale(o, Gemma3Layers),
        },
        new("cohere2", ModelFamily.Cohere2)
        {
            TurnsNeighbours = true,
            Head = GgufPresence.Never,
            HeadsFillWidth = true,
            NormEpsilonKey = "attention.layer_norm_epsilon",
            WindowPeriod = 4,
            NeedsWindow = true,
            Keys =
            [
                GgufKey.Multiplier("logit_scale",
                    (b, value) => b with { LogitMultiplier = value }, b => b.LogitMultiplier),
            ],
        },
        new("glm4moe", ModelFamily.Glm4Moe)
        {
            PartialRotary = true,
            ProjectionBias = GgufPresence.Optional,
            QueryKeyNorm = GgufPresence.Optional,
            Names = s_postNorm,
            Experts = new() { Presence = GgufPresence.Always, Form = DeepSeek, IsDescribed = true },
        },
        new("gpt-oss", ModelFamily.GptOss)
        {
            ProjectionBias = GgufPresence.Always,
            OutputBias = GgufPresence.Always,
            Head = GgufPresence.Always,
            Names = s_postNorm,
            WindowPeriod = 2,
            NeedsWindow = true,
            Scaling = new() { RoundsRange = false },
            Experts = new()
            {
                Presence = GgufPresence.Always,
                Form = new() { RouterBias = true, Bias = true, SwiGluLimit = 7 },
            },
        },
        new("deepseek2", ModelFamily.DeepseekV3)
        {
            TurnsNeighbours = true,
            IsLatent = true,
            Scaling = new() { LogUnit = 0.1 },
            // DeepSeek V2's files do not name their scoring, which is the softmax.
            Experts = new()
            {
                Presence = GgufPresence.Always,
                Form = DeepSeek with { Scoring = ExpertScoring.Softmax },
                IsDescribed = true,
            },
        },
    ];

    private static ExpertOptions DeepSeek => new() { Scoring = ExpertScoring.Sigmoid, ChoiceBias = true, Shared = 1 };

    /// <summary>The names of all architectures.</summary>
    public static IEnumerable<string> Names => All.Select(a => a.Name);

    /// <summary>The architecture of a name; null if there is none.</summary>
    public static GgufArchitecture? Named(string name) => All.FirstOrDefault(a => a.Name == name);

    /// <summary>The architecture of a family.</summary>
    public static GgufArchitecture Of(ModelFamily family) => All.First(a => a.Has(family));

    // 1/√d, in the largest model with a head's share of the model's width in place of d.
    private static ModelOptions GemmaScale(ModelOptions options, int largest) => options with
    {
        Attention = options.Attention with
        {
            ScoreScale = 1 / Math.Sqrt(options.Layers == largest ? options.HiddenSize / options.Attention.Heads
                : options.HeadDim),
        },
    };
}
