using System.Text.Json.Nodes;
using Crosshead.Attention;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Layers;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints.HuggingFace;

/// <summary>What files of DeepSeek V3 and of GLM 4 MoE hold and say besides.</summary>
public sealed class SparseFamilyTests
{
    private static readonly ModelOptions DeepSeek = new()
    {
        Family = ModelFamily.DeepseekV3,
        VocabularySize = 40,
        HiddenSize = 32,
        FeedForwardSize = 48,
        Layers = 2,
        NormEpsilon = 1e-6,
        Attention = new()
        {
            Heads = 2,
            HeadDim = 4,
            Latent = new LatentOptions { Rank = 8, QueryRank = 6, PlainWidth = 6, ValueWidth = 5 },
        },
        Experts = new()
        {
            Count = 4,
            InnerSize = 16,
            Scoring = ExpertScoring.Sigmoid,
            ChoiceBias = true,
            Shared = 1,
            WeightFactor = 2.5,
            DenseLayers = [0],
        },
    };

    [Fact]
    public void Layers_that_draft_tokens_are_not_read_and_others_behind_the_last_are_refused()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        using var model = new LanguageModel(DeepSeek);
        model.Initialize(1);
        ModelDirectory.Save(folder.Path, model);
        Assert.Equal("deepseek_v3", (string)Config(folder)["model_type"]!);
        var tensors = model.Parameters.ToDictionary(p => p.Name, p => p.Value);
        tensors["model.layers.2.eh_proj.weight"] = zeros(32, 64);
        SafetensorsWriter.Write(folder.File(ModelFileNames.Weights), tensors);
        ModelDirectory.Check(folder.Path);
        tensors["model.layers.3.eh_proj.weight"] = zeros(32, 64);
        SafetensorsWriter.Write(folder.File(ModelFileNames.Weights), tensors);
        Assert.Contains("model.layers.3.eh_proj.weight",
            Assert.Throws<CrossheadException>(() => ModelDirectory.Check(folder.Path)).Message);
    }

    [Theory]
    [InlineData("topk_method", "\"group_limited_greedy\"", "supported is noaux_tc")]
    [InlineData("scoring_func", "\"softmax\"", "supported is sigmoid")]
    [InlineData("n_group", "3", "experts.count (4) must be a multiple of experts.groups (3)")]
    [InlineData("num_key_value_heads", "1", "set keyValueHeads (1) to 2")]
    [InlineData("kv_lora_rank", "null", "it lacks \"kv_lora_rank\"")]
    public void Other_settings_are_refused_by_name(string key, string value, string message)
    {
        var config = JsonNode.Parse(ModelConfig.Write(DeepSeek, "float32"))!;
        config[key] = JsonNode.Parse(value);
        Assert.Contains(message, Assert.Throws<CrossheadException>(
            () => ModelConfig.Parse("config.json", config.ToJsonString())).Message);
    }

    [Fact]
    public void Scores_grow_with_the_scale_of_all_dimensions_of_YaRN()
    {
        var config = JsonNode.Parse(ModelConfig.Write(DeepSeek, "float32"))!;
        config["rope_scaling"] = JsonNode.Parse("""
            { "type": "yarn", "factor": 40, "mscale": 1.0, "mscale_all_dim": 1.0, "original_max_position_embeddings": 64 }
            """);
        var options = ModelConfig.Parse("config.json", config.ToJsonString());
        Assert.Equal(Math.Pow((0.1 * Math.Log(40)) + 1, 2), options.Attention.Latent!.ScaleFactor, 1e-12);
        Assert.Equal("deepseek_v3", (string)JsonNode.Parse(ModelConfig.Write(options, "float32"))!["model_type"]!);
    }

    private static JsonNode Config(TemporaryFolder folder) =>
        JsonNode.Parse(File.ReadAllText(folder.File(ModelFileNames.Configuration)))!;
}
