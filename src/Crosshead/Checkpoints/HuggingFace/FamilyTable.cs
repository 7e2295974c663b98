using Crosshead.Attention;
using Crosshead.Layers;
using Crosshead.Model;
using static Crosshead.Checkpoints.HuggingFace.FamilyConfig;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>The families, as Hugging Face Transformers 5 has them.</summary>
internal static class FamilyTable
{
    private static readonly FamilyConfig[] All =
    [
        new(ModelFamily.Llama, "LlamaForCausalLM")
        {
            Biases = BiasRule.Key,
            FeedForwardBias = true,
            KeyValueHeadsDefault = true,
        },
        new(ModelFamily.Mistral, "MistralForCausalLM") { Windows = WindowRule.AllLayers },
        new(ModelFamily.Qwen2, "Qwen2ForCausalLM") { Biases = BiasRule.QueryKeyValue, Windows = WindowRule.ByLayer },
        new(ModelFamily.Qwen3, "Qwen3ForCausalLM")
        {
            Biases = BiasRule.Key,
            QueryKeyNorm = true,
            Windows = WindowRule.ByLayer,
            HeadDim = 128,
        },
        new(ModelFamily.Qwen3Moe, "Qwen3MoeForCausalLM")
        {
            Biases = BiasRule.Key,
            QueryKeyNorm = true,
            Windows = WindowRule.AllLayersOnRequest,
            Experts = ExpertKeys.Usual,
            Keys = ExpertKeys.Qwen,
        },
        new(ModelFamily.Granite, "GraniteForCausalLM")
        {
            Biases = BiasRule.Key,
            FeedForwardBias = true,
            KeyValueHeadsDefault = true,
            Keys =
            [
                ConfigKey.Multiplier("embedding_multiplier",
                    (b, value) => b with { EmbeddingMultiplier = value }, b => b.EmbeddingMultiplier),
                ConfigKey.Multiplier("residual_multiplier",
                    (b, value) => b with { ResidualMultiplier = value }, b => b.ResidualMultiplier),
                ConfigKey.Multiplier("logits_scaling",
                    (b, value) => b with { LogitMultiplier = 1 / value }, b => 1 / b.LogitMultiplier),
                ConfigKey.Number("attention_multiplier", 1,
                    (o, value) => o with { Attention = o.Attention with { ScoreScale = value ?? 1 } },
                    o => o.Attention.ScoreScale),
            ],
        },
        new(ModelFamily.SeedOss, "SeedOssForCausalLM")
        {
            Biases = BiasRule.KeyAndOutputKey,
            BiasDefault = true,
            FeedForwardBias = true,
            HeadDim = 128,
        },
        new(ModelFamily.Phi3, "Phi3ForCausalLM")
        {
            Windows = WindowRule.AllLayers,
            WindowDefault = null,
            KeyValueHeadsDefault = true,
            NormEpsilon = 1e-5,
            PartialRotary = 1,
            Tensors = new TensorRules
            {
                Fused = new Dictionary<string, string[]>(TensorRules.FusedFeedForward)
                {
                    ["self_attn.qkv_proj"] = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
                },
            },
        },
        new(ModelFamily.SmolLm3, "SmolLM3ForCausalLM")
        {
            Biases = BiasRule.Key,
            FeedForwardBias = true,
            TieEmbeddings = true,
            RopeBase = 2_000_000,
            Windows = WindowRule.ByLayerOrUnrotated,
            WindowDefault = null,
            Keys = [ConfigKey.UnrotatedLayers],
        },
        new(ModelFamily.Olmo2, "Olmo2ForCausalLM")
        {
            Biases = BiasRule.Key,
            KeyValueHeadsDefault = true,
            QueryKeyNorm = true,
            NormEpsilon = 1e-5,
            Always = PostNorms,
        },
        new(ModelFamily.Olmo3, "Olmo3ForCausalLM")
        {
            Biases = BiasRule.Key,
            KeyValueHeadsDefault = true,
            QueryKeyNorm = true,
            NormEpsilon = 1e-5,
            RopeBase = 500_000,
            WindowRopeBase = 500_000,
            Windows = WindowRule.ByType,
            FullEvery = 4,
            Always = PostNorms,
        },
        new(ModelFamily.Glm4, "Glm4ForCausalLM")
        {
            Biases = BiasRule.KeyWithoutOutput,
            HeadDim = 128,
            NormEpsilon = 1.5625e-7,
            PartialRotary = 0.5,
            Always = o => o with { Block = o.Block with { Form = BlockForm.Sandwich } },
            Tensors = new TensorRules
            {
                TurnsNeighbours = true,
                Fused = TensorRules.FusedFeedForward,
                Names = new Dictionary<string, string>
                {
                    ["post_self_attn_layernorm"] = "post_attention_layernorm",
                    ["post_attention_layernorm"] = "pre_feedforward_layernorm",
                    ["post_mlp_layernorm"] = "post_feedforward_layernorm",
                },
            },
        },
        new(ModelFamily.Ministral3, "Ministral3ForCausalLM")
        {
            Windows = WindowRule.AllLayers,
            WindowDefault = null,
            HeadDim = 128,
            NormEpsilon = 1e-5,
            QueryGrowth = true,
        },
        new(ModelFamily.Gemma2, "Gemma2ForCausalLM")
        {
            Biases = BiasRule.Key,
            HeadDim = 256,
            TieEmbeddings = true,
            ActivationKey = "hidden_activation",
            Activation = Activation.GeluTanh,
            Windows = WindowRule.ByType,
            FullEvery = 2,
            Always = Gemma,
            Keys = [ConfigKey.QueryScalar(256), ConfigKey.ScoreCap(50), ConfigKey.LogitCap(30)],
        },
        new(ModelFamily.Gemma3, "Gemma3ForCausalLM")
        {
            Biases = BiasRule.Key,
            HeadDim = 256,
            TieEmbeddings = true,
            QueryKeyNorm = true,
            ActivationKey = "hidden_activation",
            Activation = Activation.GeluTanh,
            RopeBase = 1_000_000,
            WindowRopeBase = 10_000,
            Windows = WindowRule.ByType,
            FullEvery = 6,
            Always = o => Gemma(o) with { Attention = o.Attention with { QueryKeyNormOffset = 1 } },
            // Transformers does not use attn_logit_softcapping here.
            Keys = [ConfigKey.QueryScalar(256), ConfigKey.LogitCap(null)],
        },
        new(ModelFamily.Cohere2, "Cohere2ForCausalLM")
        {
            Biases = BiasRule.Key,
            KeyValueHeadsDefault = true,
            TieEmbeddings = true,
            NormEpsilonKey = "layer_norm_eps",
            NormEpsilon = 1e-5,
            Windows = WindowRule.ByType,
            FullEvery = 4,
            Always = UnrotatedWithoutWindow,
            Tensors = new TensorRules { TurnsNeighbours = true },
            Keys =
            [
                ConfigKey.Number("logit_scale", 0.0625,
                    (o, value) => o with { Block = o.Block with { LogitMultiplier = value ?? 1 } },
                    o => o.Block.LogitMultiplier),
            ],
        },
        .. SparseFamilies.All,
    ];

    private static readonly Dictionary<string, FamilyConfig> ByName = All.ToDictionary(f => f.Name);

    /// <summary>The names of all families.</summary>
    public static IEnumerable<string> Names => ByName.Keys;

    /// <summary>The family of a name, or null.</summary>
    public static FamilyConfig? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>The entry of a family.</summary>
    public static FamilyConfig Of(ModelFamily family) => Array.Find(All, f => f.Family == family)!;

    private static ModelOptions PostNorms(ModelOptions o) => o with
    {
        Block = o.Block with { Form = BlockForm.PostNorm },
        Attention = o.Attention with { QueryKeyNormSpan = QueryKeyNormSpan.AllHeads },
    };

    private static ModelOptions Gemma(ModelOptions o) => o with
    {
        Block = o.Block with
        {
            Form = BlockForm.Sandwich,
            NormOffset = 1,
            EmbeddingMultiplier = Math.Sqrt(o.HiddenSize),
        },
    };

    private static ModelOptions UnrotatedWithoutWindow(ModelOptions o)
    {
        int[] full = [.. Enumerable.Range(0, o.Layers).Where(i => o.AttentionOf(i).SlidingWindow is null)];
        return o with
        {
            Block = o.Block with { Form = BlockForm.Parallel, Norm = NormKind.Layer },
            UnrotatedLayers = full.Length > 0 ? full : null,
        };
    }
}
