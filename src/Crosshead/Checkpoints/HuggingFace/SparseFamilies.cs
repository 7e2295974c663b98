using Crosshead.Layers;
using Crosshead.Model;
using static Crosshead.Checkpoints.HuggingFace.FamilyConfig;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>The families with mixtures of experts but for Qwen's, as Hugging Face Transformers 5 has them.</summary>
internal static class SparseFamilies
{
    private const string DraftLayers = "num_nextn_predict_layers";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<FamilyConfig> All { get; } =
    [
        new(ModelFamily.Mixtral, "MixtralForCausalLM")
        {
            Windows = WindowRule.AllLayers,
            WindowDefault = null,
            NormEpsilon = 1e-5,
            RopeBase = 1_000_000,
            Experts = new ExpertOptions(),
            Keys = ExpertKeys.Mixtral,
            Tensors = new TensorRules
            {
                Names = new Dictionary<string, string> { ["block_sparse_moe.gate"] = "mlp.gate" },
                Experts =
                [
                    new("block_sparse_moe.experts.*.w1.weight", "mlp.experts.*.gate_proj.weight"),
                    new("block_sparse_moe.experts.*.w3.weight", "mlp.experts.*.up_proj.weight"),
                    new("block_sparse_moe.experts.*.w2.weight", "mlp.experts.*.down_proj.weight"),
                ],
            },
        },
        new(ModelFamily.Glm4Moe, "Glm4MoeForCausalLM")
        {
            Biases = BiasRule.KeyWithoutOutput,
            HeadDim = 128,
            NormEpsilon = 1e-5,
            PartialRotary = 0.5,
            Experts = DeepSeek with { DenseLayers = [0] },
            Keys = [ConfigKey.QueryKeyNorm, .. ExpertKeys.DeepSeek],
            Tensors = new TensorRules { DraftLayersKey = DraftLayers },
        },
        new(ModelFamily.GptOss, "GptOssForCausalLM")
        {
            Biases = BiasRule.Key,
            BiasDefault = true,
            Windows = WindowRule.ByType,
            WindowDefault = 128,
            FullEvery = 2,
            HeadDim = 64,
            NormEpsilon = 1e-5,
            RopeBase = 150_000,
            Always = o => o with { Attention = o.Attention with { Sinks = true } },
            Experts = new ExpertOptions { RouterBias = true, Bias = true, SwiGluLimit = 7 },
            Keys = ExpertKeys.GptOss,
            Fixed = new Dictionary<string, string> { ["swiglu_limit"] = "7" },
            Tensors = new TensorRules
            {
                Names = new Dictionary<string, string> { ["mlp.router"] = "mlp.gate" },
                Experts =
                [
                    new("mlp.experts.gate_up_proj", GateAndUp("weight")) { Alternating = true, Transposed = true },
                    new("mlp.experts.gate_up_proj_bias", GateAndUp("bias")) { Alternating = true },
                    new("mlp.experts.down_proj", "mlp.experts.*.down_proj.weight") { Transposed = true },
                    new("mlp.experts.down_proj_bias", "mlp.experts.*.down_proj.bias"),
                    new("mlp.experts.gate_up_proj_blocks", GateAndUp("weight")) { Alternating = true }, // MXFP4
                    new("mlp.experts.down_proj_blocks", "mlp.experts.*.down_proj.weight"),
                ],
            },
        },
        new(ModelFamily.DeepseekV3, "DeepseekV3ForCausalLM")
        {
            Biases = BiasRule.Key,
            KeyValueHeadsDefault = true,
            Experts = DeepSeek with { WeightFactor = 2.5, Groups = 8, GroupsPerToken = 4, DenseLayers = [0, 1, 2] },
            Keys = [.. LatentKeys.All, .. ExpertKeys.DeepSeek],
            Tensors = new TensorRules { DraftLayersKey = DraftLayers },
        },
    ];

    private static ExpertOptions DeepSeek => new() { Scoring = ExpertScoring.Sigmoid, ChoiceBias = true, Shared = 1 };

    private static string[] GateAndUp(string part) =>
        [$"mlp.experts.*.gate_proj.{part}", $"mlp.experts.*.up_proj.{part}"];
}
