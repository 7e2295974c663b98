using System.Text.Json.Nodes;
using Crosshead.Attention;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Layers;
using Crosshead.Model;

namespace Crosshead.Tests.Checkpoints.HuggingFace;

/// <summary>What configurations of published families mean.</summary>
public sealed class ModelConfigTests
{
    [Fact]
    public void Llama_3_scales_its_frequencies_and_ties_its_head()
    {
        var options = Parse(FamilyConfigs.Llama);
        Assert.Equal((ModelFamily.Llama, 500000, true, 1e-5),
            (options.Family, options.RopeBase, options.TieEmbeddings, options.NormEpsilon));
        Assert.Equal(new RopeScaling
        {
            Kind = RopeScalingKind.Llama3,
            Factor = 32,
            OriginalContext = 64,
            LowFrequencyFactor = 1,
            HighFrequencyFactor = 4,
        }, options.RopeScaling);
        Assert.Equal(new AttentionOptions { Heads = 8, KeyValueHeads = 4, HeadDim = 16 }, options.Attention);
    }

    [Fact]
    public void Transformers_5_puts_the_base_among_the_rotary_parameters()
    {
        var options = Parse(FamilyConfigs.Llama5);
        Assert.Equal((20000, null, 8, false),
            (options.RopeBase, options.RopeScaling, options.HeadDim, options.TieEmbeddings));
    }

    [Fact]
    public void Mistral_sees_through_windows_everywhere()
    {
        var options = Parse(FamilyConfigs.Mistral);
        Assert.Equal((ModelFamily.Mistral, 8, null),
            (options.Family, options.Attention.SlidingWindow, options.FullAttentionLayers));
        Assert.Equal(4096, Parse(With(FamilyConfigs.Mistral, "sliding_window")).Attention.SlidingWindow);
        Assert.Null(Parse(With(FamilyConfigs.Mistral, "sliding_window", "null")).Attention.SlidingWindow);
    }

    [Fact]
    public void Qwen_2_has_biases_of_queries_keys_and_values()
    {
        var attention = Parse(FamilyConfigs.Qwen2).Attention;
        Assert.Equal((true, false, false, null),
            (attention.ProjectionBias, attention.OutputBias, attention.QueryKeyNorm, attention.SlidingWindow));
    }

    [Fact]
    public void Qwen_3_norms_queries_and_keys_with_its_own_epsilon()
    {
        var attention = Parse(FamilyConfigs.Qwen3).Attention;
        Assert.Equal((true, 1e-5, false, 16),
            (attention.QueryKeyNorm, attention.QueryKeyNormEpsilon, attention.ProjectionBias, attention.HeadDim));
        Assert.Equal(128, Parse(With(FamilyConfigs.Qwen3, "head_dim")).HeadDim);
        Assert.Equal(8, Parse(With(FamilyConfigs.Qwen3, "head_dim", "null")).HeadDim);
    }

    [Fact]
    public void Qwen_3_moe_has_experts()
    {
        var experts = Parse(FamilyConfigs.Qwen3Moe).Experts!;
        Assert.Equal(
            new ExpertOptions { Count = 8, PerToken = 2, InnerSize = 48, Renormalize = true, Step = 1 }, experts);
        var some = Parse(
            With(With(FamilyConfigs.Qwen3Moe, "mlp_only_layers", "[1]"), "decoder_sparse_step", "2")).Experts!;
        Assert.Equal([3], Enumerable.Range(0, 4).Where(some.IsSparse));
        Assert.Equal(8,
            Parse(With(With(FamilyConfigs.Qwen3Moe, "num_local_experts"), "num_experts", "8")).Experts!.Count);
        Assert.False(Parse(With(FamilyConfigs.Qwen3Moe, "norm_topk_prob")).Experts!.Renormalize);
    }

    [Theory]
    [InlineData("llama", "attention_bias", true, true)]
    [InlineData("qwen3", "attention_bias", true, true)]
    [InlineData("qwen2", "attention_bias", true, false)]
    public void An_attention_bias_is_one_of_all_projections_but_for_qwen_2(string family, string key,
        bool projections, bool output)
    {
        var attention = Parse(With(
            family switch { "llama" => FamilyConfigs.Llama, "qwen3" => FamilyConfigs.Qwen3, _ => FamilyConfigs.Qwen2 },
            key, "true")).Attention;
        Assert.Equal((projections, output), (attention.ProjectionBias, attention.OutputBias));
    }

    [Fact]
    public void Qwen_windows_are_in_use_on_request_in_the_later_or_the_named_layers()
    {
        int[] Windowed(string json)
        {
            var options = Parse(json);
            return [.. Enumerable.Range(0, options.Layers).Where(i => options.AttentionOf(i).SlidingWindow == 32)];
        }
        var used = With(FamilyConfigs.Qwen2, "use_sliding_window", "true");
        Assert.Equal([3], Windowed(used));
        Assert.Equal([], Windowed(With(used, "max_window_layers", "28")));
        Assert.Equal([0, 1, 2, 3], Windowed(With(used, "max_window_layers", "0")));
        Assert.Equal([0, 2], Windowed(With(used, "layer_types",
            """["sliding_attention", "full_attention", "sliding_attention", "full_attention"]""")));
        Assert.Equal([0, 1, 2, 3],
            Windowed(With(With(FamilyConfigs.Qwen3Moe, "use_sliding_window", "true"), "sliding_window", "32")));
    }

    public static TheoryData<string, RopeScaling?> Ropes => new()
    {
        { """{ "type": "linear", "factor": 2 }""", new RopeScaling { Kind = RopeScalingKind.Linear, Factor = 2 } },
        { """{ "rope_type": "default" }""", null },
        { """{ "type": "default", "rope_type": "default" }""", null },
        { """{ "type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64 }""",
            new RopeScaling { Kind = RopeScalingKind.Yarn, Factor = 4, OriginalContext = 64 } },
        { """{ "rope_type": "yarn", "factor": null, "original_max_position_embeddings": 64, "truncate": false, "beta_fast": 16, "beta_slow": 2, "attention_factor": 1.25 }""",
            new RopeScaling
            {
                Kind = RopeScalingKind.Yarn,
                Factor = 4,
                OriginalContext = 64,
                Truncate = false,
                FastTurns = 16,
                SlowTurns = 2,
                AttentionFactor = 1.25,
            } },
        { """{ "rope_type": "yarn", "factor": 4, "mscale": 0.5, "mscale_all_dim": 1 }""",
            new RopeScaling
            {
                Kind = RopeScalingKind.Yarn,
                Factor = 4,
                MagnitudeScale = 0.5,
                MagnitudeScaleAllDimensions = 1,
            } },
        { """{ "rope_type": "yarn", "factor": 4, "mscale": 0.5, "mscale_all_dim": 0 }""",
            new RopeScaling { Kind = RopeScalingKind.Yarn, Factor = 4 } },
    };

    [Theory]
    [MemberData(nameof(Ropes))]
    public void Rotary_scaling_is_read_in_both_spellings(string rope, RopeScaling? expected)
    {
        foreach (var key in new[] { "rope_scaling", "rope_parameters" })
        {
            var options = Parse(With(With(FamilyConfigs.Llama, "rope_scaling"), key, rope));
            Assert.Equal(expected, options.RopeScaling);
            Assert.Equal(500000, options.RopeBase);
            Assert.Equal(expected, ConfigRoundTrip.Back(options, "llama").RopeScaling);
        }
    }

    [Fact]
    public void Real_configurations_are_read()
    {
        var folder = SharedData.Path("data", "configs");
        var files = Directory.GetFiles(folder, "*.json");
        Assert.NotEmpty(files);
        Assert.All(files, path =>
        {
            var options = ModelConfig.Read(path);
            ConfigRoundTrip.Same(options,
                ConfigRoundTrip.Back(options, (string)JsonNode.Parse(File.ReadAllText(path))!["model_type"]!));
        });
        Assert.Equal(30_532_122_624,
            ModelCost.Of(ModelConfig.Read(Path.Combine(folder, "Qwen3-30B-A3B.json"))).Parameters);
        Assert.Equal(1_235_814_400,
            ModelCost.Of(ModelConfig.Read(Path.Combine(folder, "Llama-3.2-1B.json"))).Parameters);
        Assert.Equal(494_032_768, ModelCost.Of(ModelConfig.Read(Path.Combine(folder, "Qwen2.5-0.5B.json"))).Parameters);
    }

    [Theory]
    [InlineData("rope_scaling", """{"factor":4}""", "names no rope_type, so that nothing uses: factor = 4;")]
    [InlineData("rope_scaling", """{"rope_type":"default","factor":4}""",
        "holds what rope_type default does not use: factor = 4;")]
    [InlineData("rope_parameters", """{"type":"linear","factor":4,"beta_fast":2,"low_freq_factor":1}""",
        "holds what rope_type linear does not use: beta_fast = 2, low_freq_factor = 1;")]
    [InlineData("rope_parameters", """{"rope_theta":5000}""", null)]
    [InlineData("rope_scaling", """{"type":"linear","factor":4}""", null)]
    [InlineData("rope_scaling",
        """{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":64}""",
        null)]
    [InlineData("rope_scaling",
        """{"rope_type":"yarn","factor":8,"original_max_position_embeddings":64,"beta_fast":32,"attention_factor":1}""",
        null)]
    [InlineData("rope_scaling", "null", null)]
    public void Numbers_that_no_method_uses_are_told(string key, string value, string? told)
    {
        using var folder = new TemporaryFolder();
        var json = JsonNode.Parse(ModelConfig.Write(new() { Attention = new() { Heads = 4 } }, "bfloat16"))!;
        json[key] = JsonNode.Parse(value);
        if (key == "rope_parameters") json.AsObject().Remove("rope_theta");
        File.WriteAllText(folder.File("config.json"), json.ToJsonString());
        var description = ModelDescription.Of(folder.Path);
        Assert.StartsWith("bfloat16", description.Weights.TypeName, StringComparison.Ordinal);
        if (told is null) Assert.Empty(description.Remarks);
        else
        {
            Assert.Contains(told, Assert.Single(description.Remarks));
            Assert.Equal(value.Contains("linear"), description.Options.RopeScaling is not null);
        }
    }

    private static ModelOptions Parse(string json) => ModelConfig.Parse("config.json", json);

    private static string With(string json, string key, string? value = null)
    {
        var node = JsonNode.Parse(json)!.AsObject();
        node.Remove(key);
        if (value is not null) node[key] = JsonNode.Parse(value);
        return node.ToJsonString();
    }
}
