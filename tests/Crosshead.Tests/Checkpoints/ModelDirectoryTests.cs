using System.Text.Json.Nodes;
using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints;

public sealed class ModelDirectoryTests
{
    private static readonly ModelOptions Tiny = new()
    {
        VocabularySize = 30,
        HiddenSize = 16,
        Layers = 2,
        Context = 12,
        RopeBase = 5000,
        Attention = new() { Heads = 4, KeyValueHeads = 2 },
    };

    public static TheoryData<AttentionOptions> Variants =>
    [
        new AttentionOptions { Heads = 4, KeyValueHeads = 2 },
        new AttentionOptions { Heads = 4, HeadDim = 6 },
        new AttentionOptions { Variant = AttentionVariant.GroupNorm, Heads = 4, HeadNorm = HeadNormKind.PerHead },
        new AttentionOptions
        {
            Variant = AttentionVariant.Mea,
            Heads = 4,
            KeyValueHeads = 4,
            KeyComponents = 2,
            Compose = ComposedParts.Keys,
            MixStart = MixStart.Normal,
        },
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
        using var model = Create(
            Tiny with { Attention = attention, TieEmbeddings = attention.Heads == attention.KeyValueHeads });
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
        var mea = JsonNode.Parse(ModelConfig.Write(
            Tiny with { Attention = new() { Variant = AttentionVariant.Mea, Heads = 4 } }, "float32"))!;
        Assert.Equal("crosshead", (string)mea["model_type"]!);
        Assert.Equal("llama", (string)mea["base_model_type"]!);
        Assert.Equal("mea", (string)mea["attention"]!["variant"]!);
    }

    [Theory]
    [InlineData("model_type", "\"gpt2\"",
        "model_type \"gpt2\" is not supported; supported are llama, mistral, qwen2, qwen3, qwen3_moe, ")]
    [InlineData("hidden_act", "\"gelu\"", "hidden_act = \"gelu\" is not supported; supported is silu or swish")]
    [InlineData("attention_bias", "true", "lacks the tensor \"model.layers.0.self_attn.q_proj.bias\"")]
    [InlineData("rope_scaling", "{\"type\":\"linear\"}", "rope_scaling lacks \"factor\"")]
    [InlineData("rope_parameters", "{\"rope_type\":\"dynamic\"}",
        "rope_type \"dynamic\" is not supported; supported are default, linear, llama3, yarn")]
    [InlineData("vocab_size", "\"many\"", "vocab_size = \"many\" must be a whole number up to 2147483647")]
    [InlineData("num_key_value_heads", "3", "heads (4) must be a multiple of keyValueHeads (3)")]
    [InlineData("intermediate_size", "100", "has shape [48, 16], the configuration asks for [100, 16]")]
    [InlineData("num_hidden_layers", "3", "lacks the tensor \"model.layers.2.")]
    [InlineData("num_hidden_layers", "65535",
        "lacks the tensor \"model.layers.2.input_layernorm.weight\" of shape [16], "
        + "\"model.layers.2.self_attn.q_proj.weight\" of shape [16, 16], \"model.layers.2.self_attn.k_proj.weight\" of "
        + "shape [8, 16] and more than 997 others, which the configuration asks for.")]
    [InlineData("vocab_size", "2000000000", "has shape [30, 16], the configuration asks for [2000000000, 16]")]
    [InlineData("intermediate_size", "2147483647", "has shape [48, 16], the configuration asks for [2147483647, 16]")]
    [InlineData("num_attention_heads", "2147483647", "heads (2147483647) must be at most 16384")]
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
        Assert.Contains("does not exist",
            Assert.Throws<CrossheadException>(() => ModelDirectory.Load(folder.File("nowhere"))).Message);
        Assert.Contains("config.json",
            Assert.Throws<CrossheadException>(() => ModelDirectory.Load(folder.Path)).Message);
        File.WriteAllText(folder.File("config.json"), "{");
        Assert.Contains("no valid configuration",
            Assert.Throws<CrossheadException>(() => ModelDirectory.Load(folder.Path)).Message);
    }

    [Theory]
    [InlineData("float32", 4)]
    [InlineData("bfloat16", 2)]
    [InlineData("float16", 2)]
    public void A_model_may_be_stored_in_another_precision(string name, int bytes)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = Create(Tiny);
        var type = Enum.Parse<ScalarType>(name, ignoreCase: true);
        ModelDirectory.Save(folder.Path, model, type: type);
        Assert.Equal(name, (string?)JsonNode.Parse(File.ReadAllText(folder.File("config.json")))!["torch_dtype"]);
        using (var files = WeightFiles.Open(folder.Path))
            Assert.All(files.Tensors.Values, t => Assert.Equal((type, t.Elements * bytes), (t.Type.Scalar, t.Bytes)));
        using var loaded = ModelDirectory.Load(folder.Path);
        foreach (var (actual, expected) in loaded.Parameters.Zip(model.Parameters))
            Assert.True(actual.Value.equal(expected.Value.to(type).to(ScalarType.Float32)).all().item<bool>());
    }

    [Fact]
    public void Options_of_a_save_that_make_no_sense_are_refused()
    {
        using var folder = new TemporaryFolder();
        using var model = Create(Tiny);
        Assert.Contains("cannot be stored as Int32", Assert.Throws<CrossheadException>(
            () => ModelDirectory.Save(folder.Path, model, type: ScalarType.Int32)).Message);
        Assert.Contains("must be positive, not 0 bytes",
            Assert.Throws<CrossheadException>(() => ModelDirectory.Save(folder.Path, model, shardBytes: 0)).Message);
        File.WriteAllText(folder.File("file"), "");
        Assert.Contains("cannot be made",
            Assert.Throws<CrossheadException>(() => ModelDirectory.Save(folder.File("file"), model)).Message);
    }

    [Fact]
    public void Weights_that_do_not_fit_are_named_with_what_was_expected()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = Create(Tiny);
        var path = folder.File("model.safetensors");
        Dictionary<string, Tensor> Good() => model.Parameters.ToDictionary(p => p.Name, p => p.Value.detach().clone());
        string Refused(Action<Dictionary<string, Tensor>> change)
        {
            var tensors = Good();
            change(tensors);
            SafetensorsWriter.Write(path, tensors);
            using var target = new LanguageModel(Tiny);
            var message = Assert.Throws<CrossheadException>(() => ModelDirectory.LoadWeights(target, path)).Message;
            Assert.DoesNotContain('\n', message);
            return message;
        }
        const string norm = "model.norm.weight", down = "model.layers.1.mlp.down_proj.weight";

        Assert.Contains($"lacks the tensor \"{norm}\" of shape [16], which", Refused(t => t.Remove(norm)));
        Assert.Contains("] and 16 more, which", Refused(t =>
        {
            foreach (var name in t.Keys.Skip(2).ToArray()) t.Remove(name);
        }));
        Assert.Contains($"tensor \"{down}\" has shape [48, 16], the configuration asks for [16, 48].",
            Refused(t => t[down] = t[down].t()));
        Assert.Contains($"tensor \"{norm}\" is of type I64; weights are F64, F32, F16, BF16.",
            Refused(t => t[norm] = t[norm].to(ScalarType.Int64)));
        Assert.Contains("holds the tensor \"extra\" of shape [2, 3], which this model has no place for",
            Refused(t => t["extra"] = zeros(2, 3)));
        Assert.Contains($"NaN or infinite: \"{down}\" (2 of 768), \"{norm}\" (1 of 16); the run", Refused(t =>
        {
            t[down][3, 5] = float.NaN;
            t[down][15, 47] = float.NegativeInfinity;
            t[norm] = t[norm].to(ScalarType.Float16).fill_(65504); // finite, though their sum is not
            t[norm][7] = float.PositiveInfinity;
        }));
    }

    [Fact]
    public void Loading_leaves_no_tensor_behind()
    {
        using var folder = new TemporaryFolder();
        using (var model = Create(Tiny)) ModelDirectory.Save(folder.Path, model, shardBytes: 5000);
        TensorLeaks.None(() => ModelDirectory.Load(folder.Path).Dispose());
        Assert.DoesNotContain(folder.Path, File.ReadAllText("/proc/self/maps"));
    }

    [Theory]
    [InlineData("qwen3", 7, "F32")]
    [InlineData("qwen2", 1, "BF16")]
    [InlineData("llama", 1, "F32")]
    public void Real_checkpoints_open(string name, int files, string type)
    {
        using var scope = NewDisposeScope();
        using var weights = WeightFiles.Open(SharedData.Path("fixtures", "hf", name));
        Assert.Equal(files, weights.Files.Count);
        Assert.All(weights.Tensors.Values, t => Assert.Equal(type, t.Type.Name));
        Assert.Equal([320, 64], weights.Map("model.embed_tokens.weight").shape);
        foreach (var tensor in weights.Tensors.Keys)
            Assert.InRange(weights.Map(tensor).to(ScalarType.Float32).abs().max().item<float>(), 1e-3f, 10);
    }

    private static LanguageModel Create(ModelOptions options)
    {
        var model = new LanguageModel(options);
        model.Initialize(3);
        return model;
    }
}
