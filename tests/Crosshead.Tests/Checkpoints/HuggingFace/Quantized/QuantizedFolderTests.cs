using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Model;
using Crosshead.Tests.Cli;
using Crosshead.Tests.TextModels;
using static Crosshead.Tests.Checkpoints.HuggingFace.Quantized.QuantizedFile;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints.HuggingFace.Quantized;

/// <summary>Folders whose config.json has a quantization_config.</summary>
public sealed class QuantizedFolderTests : IDisposable
{
    private const string Gptq = """{"quant_method": "gptq", "bits": 4, "group_size": 8, "desc_act": false}""";

    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, float[]> _expected = [];

    public QuantizedFolderTests() => Save();

    private void Save()
    {
        using var model = new LanguageModel(new ModelOptions
        {
            VocabularySize = 280,
            HiddenSize = 16,
            FeedForwardSize = 40,
            Layers = 2,
            Context = 48,
            Attention = new() { Heads = 4, KeyValueHeads = 2 },
        });
        model.Initialize(3);
        ModelDirectory.Save(Model, model);
        SmallTextModel.Tokenizer.Save(Model);
    }

    private string Model => _folder.File("model");

    public void Dispose() => _folder.Dispose();

    // Writes the small model's projections as GPTQ does, and the other weights as they are.
    private void Quantize(string configuration, float bias = 0)
    {
        var file = new QuantizedFile();
        using (var files = WeightFiles.Open(Model))
        {
            using var scope = NewDisposeScope();
            foreach (var (name, entry) in files.Tensors)
            {
                var values = files.Map(name).clone().data<float>().ToArray();
                if (!name.EndsWith("proj.weight", StringComparison.Ordinal))
                {
                    file.Floats(name, entry.Shape, values);
                    continue;
                }
                var (rows, columns) = ((int)entry.Shape[0], (int)entry.Shape[1]);
                var scales = Make(rows, columns / 8, (r, g) => (float)(Half)(
                    values.AsSpan((r * columns) + (g * 8), 8).ToArray().Max(Math.Abs) / 7));
                var codes = Make(rows, columns, (r, c) =>
                    Math.Clamp((int)MathF.Round(values[(r * columns) + c] / scales[r, c / 8]) + 8, 0, 15));
                var module = name[..^".weight".Length];
                file.Words($"{module}.qweight", Pack(Transpose(codes), 4, 0))
                    .Words($"{module}.qzeros", Pack(Make(columns / 8, rows, (_, _) => 7), 4, 1))
                    .Halves($"{module}.scales", [columns / 8, rows], [.. Transpose(scales).Cast<float>()])
                    .Floats($"{module}.bias", [rows], [.. Enumerable.Repeat(bias, rows)]);
                _expected[name] =
                    [.. Make(rows, columns, (r, c) => (codes[r, c] - 8) * scales[r, c / 8]).Cast<float>()];
            }
        }
        file.Write(_folder.File("model/model.safetensors"));
        Configure(configuration);
    }

    private void Configure(string configuration)
    {
        var path = _folder.File("model/config.json");
        var json = JsonNode.Parse(File.ReadAllText(path))!;
        json["quantization_config"] = JsonNode.Parse(configuration);
        File.WriteAllText(path, json.ToJsonString());
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Weights_are_loaded_as_the_values_they_stand_for(ScalarType type)
    {
        Quantize(Gptq);
        Assert.NotEmpty(_expected);
        using var scope = NewDisposeScope();
        using (var model = ModelDirectory.LoadFrozen(Model, type))
        {
            foreach (var parameter in model.Parameters.Where(p => _expected.ContainsKey(p.Name)))
                Assert.Equal(tensor(_expected[parameter.Name]).to(type).to(ScalarType.Float32).data<float>().ToArray(),
                    parameter.Value.to(ScalarType.Float32).reshape(-1).data<float>().ToArray());
        }
        TensorLeaks.None(() => ModelDirectory.Load(Model).Dispose());
    }

    [Fact]
    public void Weights_may_lie_in_other_files_than_their_scales()
    {
        Quantize(Gptq);
        using var scope = NewDisposeScope();
        using (var files = WeightFiles.Open(Model))
        {
            var all = files.Tensors.Keys.ToDictionary(n => n, n => files.Map(n).clone());
            var index = new JsonObject();
            foreach (var half in all.GroupBy(t => t.Key.EndsWith("scales", StringComparison.Ordinal) ? "a" : "b"))
            {
                SafetensorsWriter.Write(_folder.File($"model/{half.Key}.safetensors"), half);
                foreach (var (name, _) in half) index[name] = $"{half.Key}.safetensors";
            }
            _folder.Write("model/model.safetensors.index.json",
                new JsonObject { ["weight_map"] = index }.ToJsonString());
        }
        File.Delete(_folder.File("model/model.safetensors"));
        using var model = ModelDirectory.Load(Model);
        foreach (var parameter in model.Parameters.Where(p => _expected.ContainsKey(p.Name)))
            Assert.Equal(_expected[parameter.Name], parameter.Value.reshape(-1).data<float>().ToArray());
    }

    [Fact]
    public void Info_tells_how_and_every_command_that_it_is_undone()
    {
        Quantize(Gptq);
        var info = CliRun.Of("info", Model, "--json");
        Assert.Equal("gptq: 4-bit integers, groups of 8", (string?)info.Json["quantization"]);
        Assert.Equal("float32", (string?)info.Json["dtype"]);
        Assert.Contains("The weights are quantised (gptq: 4-bit integers, groups of 8); they are used as the "
            + "floating-point numbers that they stand for.", info.Error);
        Assert.Matches(@"quantisation *\| *gptq: 4-bit", CliRun.Of("info", Model).Out);
    }

    [Fact]
    public void Copies_hold_the_values_and_say_nothing_of_the_quantisation()
    {
        Quantize(Gptq);
        Assert.Equal(0, CliRun.Of("export", Model, "--out", _folder.File("plain")).ExitCode);
        _folder.Write("text.txt", SmallTextModel.Text);
        Assert.Equal(0, CliRun.Of("compress", Model, "--method", "svd", "--out", _folder.File("half")).ExitCode);
        foreach (var copy in new[] { "plain", "half" })
        {
            Assert.DoesNotContain("quantization", File.ReadAllText(_folder.File($"{copy}/config.json")));
            Assert.Null(ModelDirectory.Check(_folder.File(copy)).Quantization);
            using var model = ModelDirectory.Load(_folder.File(copy));
            foreach (var name in new[] { "q_proj", "o_proj", "gate_proj" })
                Assert.Contains(model.Parameters, p => _expected.Any(e => e.Key == p.Name && e.Key.Contains(name)
                    && e.Value.SequenceEqual(p.Value.reshape(-1).data<float>().ToArray())));
        }
    }

    [Fact]
    public void Biases_that_the_model_does_not_have_must_be_zero()
    {
        Quantize(Gptq);
        ModelDirectory.Check(Model);
        Save();
        Quantize(Gptq, bias: 0.5f);
        Assert.Matches("holds the tensor \"model.layers.0.*proj.bias\"",
            Assert.Throws<CrossheadException>(() => ModelDirectory.Check(Model)).Message);
    }

    [Fact]
    public void What_is_left_unquantised_is_told()
    {
        Configure("""
            {"quant_method": "compressed-tensors", "format": "int-quantized", "kv_cache_scheme": {"num_bits": 8},
             "config_groups": {"group_0": {"targets": ["Linear"], "weights": {"num_bits": 8, "strategy": "channel"},
              "input_activations": {"num_bits": 8, "dynamic": false}}}}
            """);
        var description = ModelDirectory.Check(Model);
        Assert.Contains("The configuration also quantises activations and the cache of keys and values, which are not "
            + "quantised here.", Assert.Single(description.Remarks));
    }

    [Fact]
    public void Modules_are_chosen_by_targets_and_left_out_by_ignore()
    {
        const string name = "model.layers.0.self_attn.q_proj.weight";
        using (var files = WeightFiles.Open(Model))
        {
            using var scope = NewDisposeScope();
            var file = new QuantizedFile();
            foreach (var (tensor, entry) in files.Tensors)
                if (tensor != name) file.Floats(tensor, entry.Shape, files.Map(tensor).clone().data<float>().ToArray());
                else file.SignedBytes(name, entry.Shape, new sbyte[entry.Elements])
                    .Floats($"{name}_scale", [entry.Shape[0], 1], new float[entry.Shape[0]])
                    .Floats("model.layers.0.self_attn.q_proj.input_scale", [1], 1);
            file.Write(_folder.File("model/model.safetensors"));
        }
        string Of(string targets, string ignore) => $$"""
            {"quant_method": "compressed-tensors", "format": "int-quantized", "ignore": {{ignore}}, "config_groups":
             {"group_0": {"targets": {{targets}}, "weights": {"num_bits": 8, "strategy": "channel"} } } }
            """;
        foreach (var targets in new[] { "[\"Linear\"]", "[\"re:.*q_proj\"]", "[\"model.layers.0.self_attn.q_proj\"]" })
        {
            Configure(Of(targets, "[\"lm_head\", \"re:.*k_proj$\"]"));
            using var model = ModelDirectory.Load(Model);
            Assert.All(model.Parameters.Single(p => p.Name == name).Value.data<float>().ToArray(),
                v => Assert.Equal(0, v));
        }
        foreach (var (targets, ignore) in new[] { ("[\"re:q_proj\"]", "[]"), ("[\"Linear\"]", "[\"re:.*q_proj\"]") })
        {
            Configure(Of(targets, ignore));
            Assert.Contains("q_proj.weight\" is of type I8; weights are",
                Assert.Throws<CrossheadException>(() => ModelDirectory.Check(Model)).Message);
        }
        Configure(Of("[\"re:(\"]", "[]"));
        Assert.Contains("the pattern \"(\" cannot be used",
            Assert.Throws<CrossheadException>(() => ModelDirectory.Check(Model)).Message);
    }

    [Theory]
    [InlineData("""{"quant_method": "bitsandbytes", "load_in_4bit": true}""",
        "quant_method = \"bitsandbytes\" is not supported; supported is awq, compressed-tensors, fp8, gptq, mxfp4.")]
    [InlineData("""{"bits": 4}""", "quantization_config lacks \"quant_method\".")]
    [InlineData("3", "quantization_config = 3 must be an object")]
    [InlineData("""{"quant_method": "gptq", "bits": 3, "group_size": 128}""",
        "bits = 3 is not supported; supported is 2 or 4 or 8.")]
    [InlineData("""{"quant_method": "gptq", "bits": 4, "group_size": 0}""",
        "group_size = 0 is not supported; supported is -1 or a positive number.")]
    [InlineData("""{"quant_method": "gptq", "bits": 4, "group_size": 128, "checkpoint_format": "marlin"}""",
        "checkpoint_format = \"marlin\" is not supported; supported is gptq or gptq_v2.")]
    [InlineData("""{"quant_method": "gptq", "bits": 4, "group_size": 128, "dynamic": {"+:.*": {"bits": 8}}}""",
        "is not supported; supported is null, or rules that begin with \"-:\".")]
    [InlineData("""{"quant_method": "awq", "bits": 4, "group_size": 128, "version": "gemv"}""",
        "version = \"gemv\" is not supported; supported is gemm.")]
    [InlineData("""{"quant_method": "fp8", "fmt": "e5m2"}""", "fmt = \"e5m2\" is not supported; supported is e4m3.")]
    [InlineData("""{"quant_method": "fp8", "weight_block_size": [128]}""",
        "weight_block_size = [128] is not supported; supported is two positive numbers.")]
    [InlineData("""{"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized", "config_groups": {"g": {"weights": {}}}}""",
        "format = \"nvfp4-pack-quantized\" is not supported; supported is pack-quantized,")]
    [InlineData("""{"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups": {"g": {"weights": {"num_bits": 3}}}}""",
        "num_bits = 3 is not supported; supported is 4 or 8.")]
    [InlineData("""{"quant_method": "compressed-tensors", "format": "int-quantized", "config_groups": {"g": {"weights": {"strategy": "attn_head"}}}}""",
        "strategy = \"attn_head\" is not supported; supported is tensor, channel, group or block.")]
    [InlineData("""{"quant_method": "compressed-tensors", "format": "int-quantized", "sparsity_config": {"format": "sparse-24-bitmask"}}""",
        "format = \"sparse-24-bitmask\" is not supported; supported is dense.")]
    [InlineData("""{"quant_method": "compressed-tensors", "format": "int-quantized"}""",
        "quantization_config lacks \"config_groups\".")]
    public void What_is_not_supported_is_refused_by_name(string configuration, string message)
    {
        Configure(configuration);
        Assert.Contains(message, CliRun.Of("info", Model).Refusal());
    }
}
