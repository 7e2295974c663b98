using System.Text.Json.Nodes;
using Crosshead.Attention;
using Crosshead.Checkpoints;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints;

public sealed class ModelDirectoryTests
{
    private static readonly ModelOptions Tiny = new() { VocabularySize = 30, HiddenSize = 16, Layers = 2, Context = 12, RopeBase = 5000, Attention = new() { Heads = 4, KeyValueHeads = 2 } };

    public static TheoryData<AttentionOptions> Variants =>
    [
        new AttentionOptions { Heads = 4, KeyValueHeads = 2 },
        new AttentionOptions { Heads = 4, HeadDim = 6 },
        new AttentionOptions { Variant = AttentionVariant.GroupNorm, Heads = 4, HeadNorm = HeadNormKind.PerHead },
        new AttentionOptions { Variant = AttentionVariant.Mea, Heads = 4, KeyValueHeads = 4, KeyComponents = 2, Compose = ComposedParts.Keys, MixStart = MixStart.Normal },
        new AttentionOptions { Variant = AttentionVariant.MeaNoNorm, Heads = 4 },
        new AttentionOptions { Variant = AttentionVariant.TalkingHeads, Heads = 4 },
        new AttentionOptions { Variant = AttentionVariant.Differential, Heads = 4 },
    ];

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_saved_model_loads_back_bit_for_bit(AttentionOptions attention)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = Create(Tiny with { Attention = attention, TieEmbeddings = attention.Heads == attention.KeyValueHeads });
        ModelDirectory.Save(folder.Path, model);
        using var loaded = ModelDirectory.Load(folder.Path);
        Assert.Equal(model.Options.HeadDim, loaded.Options.HeadDim);
        Assert.Equal(model.Options.RopeBase, loaded.Options.RopeBase);
        var tokens = randint(0, 30, [2, 7], ScalarType.Int64);
        Assert.True(model.Logits(tokens).equal(loaded.Logits(tokens)).all().item<bool>());
    }

    [Fact]
    public void Plain_models_are_llama_and_composed_ones_say_what_they_were()
    {
        Assert.Equal("llama", (string)JsonNode.Parse(ModelConfig.Write(Tiny, "float32"))!["model_type"]!);
        var mea = JsonNode.Parse(ModelConfig.Write(Tiny with { Attention = new() { Variant = AttentionVariant.Mea, Heads = 4 } }, "float32"))!;
        Assert.Equal("crosshead", (string)mea["model_type"]!);
        Assert.Equal("llama", (string)mea["base_model_type"]!);
        Assert.Equal("mea", (string)mea["attention"]!["variant"]!);
    }

    [Theory]
    [InlineData("model_type", "\"gpt2\"", "model_type \"gpt2\" is not supported; supported are llama, mistral, qwen2, qwen3, qwen3_moe and crosshead")]
    [InlineData("hidden_act", "\"gelu\"", "hidden_act = \"gelu\" is not supported; supported is silu or swish")]
    [InlineData("attention_bias", "true", "lacks the tensor \"model.layers.0.self_attn.q_proj.bias\"")]
    [InlineData("rope_scaling", "{\"type\":\"linear\"}", "rope_scaling lacks \"factor\"")]
    [InlineData("rope_parameters", "{\"rope_type\":\"dynamic\"}", "rope_type \"dynamic\" is not supported; supported are default, linear, llama3, yarn")]
    [InlineData("vocab_size", "\"many\"", "vocab_size = \"many\" is not of type Int32")]
    [InlineData("num_key_value_heads", "3", "heads (4) must be a multiple of keyValueHeads (3)")]
    [InlineData("intermediate_size", "100", "has shape [48, 16], the configuration asks for [100, 16]")]
    [InlineData("num_hidden_layers", "3", "lacks the tensor \"model.layers.2.")]
    [InlineData("num_hidden_layers", "1", "holds the tensor \"model.layers.1.")]
    public void A_configuration_that_contradicts_is_refused(string key, string value, string message)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using (var model = Create(Tiny)) ModelDirectory.Save(folder.Path, model);
        var path = folder.File("config.json");
        var json = JsonNode.Parse(File.ReadAllText(path))!;
        json[key] = JsonNode.Parse(value);
        File.WriteAllText(path, json.ToJsonString());
        Assert.Contains(message, Assert.Throws<CrossheadException>(() => ModelDirectory.Load(folder.Path)).Message);
    }

    [Fact]
    public void Missing_folders_and_files_are_named()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("does not exist", Assert.Throws<CrossheadException>(() => ModelDirectory.Load(folder.File("nowhere"))).Message);
        Assert.Contains("config.json", Assert.Throws<CrossheadException>(() => ModelDirectory.Load(folder.Path)).Message);
        File.WriteAllText(folder.File("config.json"), "{");
        Assert.Contains("no valid config.json", Assert.Throws<CrossheadException>(() => ModelDirectory.Load(folder.Path)).Message);
    }

    private static LanguageModel Create(ModelOptions options)
    {
        var model = new LanguageModel(options);
        model.Initialize(3);
        return model;
    }
}
