using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Compression;
using Crosshead.Compression.Fits;
using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Tests.Checkpoints.Gguf;
using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Tests.Compression;

/// <summary>A compressed GGUF file keeps what is not fitted as it was: quantised, and where it lies.</summary>
public sealed class QuantizedCompressionTests : IDisposable
{
    // Layer 0 gets other keys and values, layer 1 other values.
    private static readonly CompressionPlan s_plan = new(
        [new(CompressionMethod.Svd, 1, 16), new(CompressionMethod.Svd, null, 16)], null);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Half => _folder.File("half");

    [Theory]
    [InlineData("llama, biases", "q8_0", false)]
    [InlineData("llama 3", "q4_k_m", true)]
    [InlineData("qwen3", "q5_1", false)]
    [InlineData("qwen3moe", "q4_0", true)]
    public void Only_fits_are_stored_anew_and_logits_are_those_of_the_same_numbers_to_the_bit(
        string name, string recipe, bool split)
    {
        var file = Written(name, recipe);
        using (var model = ModelDirectory.LoadInPlace(ModelDescription.Of(file)))
        using (var compressed = Compressor.Compress(model, s_plan))
        {
            Compressor.RoundTo(compressed, ScalarType.BFloat16);
            ModelDirectory.Save(Half, compressed, shardBytes: split ? 4096 : ModelDirectory.DefaultShardBytes,
                type: ScalarType.BFloat16);
            // The fits are those of the dequantised model.
            using var dequantized = ModelDirectory.Load(file);
            using var dense = Compressor.Compress(dequantized, s_plan);
            foreach (var (fit, same) in compressed.Parameters.Zip(dense.Parameters).Where(p => p.First.Stored is null))
                Assert.True(fit.Value.eq(same.Value.to(ScalarType.BFloat16)).all().item<bool>(), fit.Name);
        }
        Assert.Equal(!split, File.Exists(Path.Combine(Half, "model.gguf")));
        Assert.Equal(split, Directory.GetFiles(Half, "model-?????-of-?????.gguf").Length > 1);

        // All other tensors have the bytes that the file has, in the order of the model.
        using (var half = ModelDirectory.LoadFrozen(Half, ScalarType.Float32))
        using (var model = ModelDirectory.LoadFrozen(file, ScalarType.Float32))
        {
            var before = model.Parameters.ToDictionary(p => p.Name, p => p.Stored);
            foreach (var parameter in half.Parameters)
            {
                var (found, fitted) = (parameter.Stored!, IsFitted(parameter.Name));
                Assert.NotNull(found);
                if (fitted) Assert.Equal(WeightFormat.BF16, found.Format);
                else Assert.True(Same(before[parameter.Name]!, found), parameter.Name);
            }
            Assert.Contains(half.Parameters, p => p.Stored!.Format.IsQuantized);
            Assert.Equal(2, half.Parameters.Count(p => p.Name.EndsWith("v_mix")));
        }

        // A file of the same numbers in a folder, biases of queries and keys in their other order among them.
        using (var model = ModelDirectory.LoadFrozen(file, ScalarType.Float32))
        {
            Directory.CreateDirectory(_folder.File("copy"));
            ModelDirectory.SaveQuantized(_folder.File("copy"), model, GgufRecipe.Named("f32"));
        }
        GgufModels.RequireEqual(_folder.File("copy"), file, ScalarType.Float32, allowed: 1e-5);

        // The same numbers in float32.
        using (var dense = ModelDirectory.Load(Half)) ModelDirectory.Save(_folder.File("dense"), dense);
        Assert.False(File.Exists(Path.Combine(_folder.File("dense"), "model.gguf")));
        Assert.Equal(Logits(_folder.File("dense")), Logits(Half));
        GgufModels.RequireEqual(_folder.File("dense"), Half, ScalarType.Float32, allowed: 1e-5);
    }

    [Fact]
    public void It_is_compressed_again_in_place()
    {
        using (var model = ModelDirectory.LoadInPlace(ModelDescription.Of(Written("llama", "q8_0"))))
        using (var first = Compressor.Compress(model, s_plan)) ModelDirectory.Save(Half, first);
        using var half = ModelDirectory.LoadInPlace(ModelDescription.Of(Half));
        // The values of layer 0 become whole heads again, its keys are fitted again, and layer 1 stays as it is.
        using var second = Compressor.Compress(half, new([new(CompressionMethod.Svd, 1, null), null], null));
        string[] made = [.. second.Parameters.Where(p => p.Stored is null).Select(p => p.Name)];
        Assert.Equal(["k_proj.weight", "k_mix", "v_proj.weight"], made.Select(
            p => p.Replace("model.layers.0.self_attn.", "")).OrderBy(p => p[0]).ThenByDescending(p => p));
        ModelDirectory.Save(_folder.File("again"), second);
        var again = ModelDescription.Of(_folder.File("again")).Options;
        Assert.Equal(half.Options.VirtualHeads![1], again.VirtualHeads![1]);
        using var plain = PlainExport.Of(half);
        using var dequantized = ModelDirectory.Load(Half);
        using var same = PlainExport.Of(dequantized);
        foreach (var (a, b) in plain.Parameters.Zip(same.Parameters))
            Assert.True(a.Value.eq(b.Value).all().item<bool>(), a.Name);
    }

    [Fact]
    public void What_is_told_of_it_is_so_and_damage_is_refused()
    {
        var file = Written("llama", "q8_0");
        using (var model = ModelDirectory.LoadInPlace(ModelDescription.Of(file)))
        using (var first = Compressor.Compress(model, s_plan))
            ModelDirectory.Save(Half, first, type: ScalarType.BFloat16);
        var (description, gguf) = (ModelDescription.Of(Half), Path.Combine(Half, "model.gguf"));
        Assert.Equal(("Q8_0", ScalarType.BFloat16), (description.Quantization, description.Weights.Type));
        Assert.Equal(["Q8_0", "bfloat16", "float32"], description.Weights.Types.Select(t => t.Name));
        Assert.NotEqual(ModelDescription.Of(file).WeightsHash, description.WeightsHash);
        Assert.Contains("name the directory", Refused(() => ModelDescription.Of(gguf)));

        new GgufEdit(gguf).Without("model.layers.1.self_attn.v_mix").Tensor("model.x", "F32", [4])
            .Write(gguf);
        Assert.Matches("lacks the tensor \"model.layers.1.self_attn.v_mix\" of shape .*, which config.json asks for",
            Refused(() => ModelDirectory.Check(Half)));
        File.Copy(file, gguf, overwrite: true);
        Assert.Contains("is a model by itself", Refused(() => ModelDescription.Of(Half)));
        using var dense = new LanguageModel(description.Options);
        using var quantized = ModelDirectory.LoadInPlace(ModelDescription.Of(file));
        ModelDirectory.Save(_folder.File("dense"), dense);
        Assert.Contains("name another folder", Refused(() => ModelDirectory.Save(_folder.File("dense"), quantized)));
    }

    private static string Refused(Action action) => Assert.Throws<CrossheadException>(action).Message;

    private static bool IsFitted(string name) => name.Contains("_mix") || name.Contains("v_proj")
        || name.Contains("layers.0.self_attn.k_proj");

    private static bool Same(WeightMatrix a, WeightMatrix b) =>
        a.Format == b.Format && Bytes(a).SequenceEqual(Bytes(b));

    private static IEnumerable<byte> Bytes(WeightMatrix matrix) =>
        Enumerable.Range(0, (int)matrix.Rows).SelectMany(row => matrix.BytesOf(row).ToArray());

    // Logits of the decoder that multiplies weights where they lie.
    private static float[] Logits(string folder)
    {
        using var model = ModelDirectory.LoadFrozen(folder, ScalarType.Float32);
        using var weights = new CpuWeights(model, activations: ActivationType.Float32);
        using var decoder = new CpuDecoder(weights, 1, 16);
        var batch = new DecodeBatch(decoder);
        return [.. Enumerable.Range(3, 10).SelectMany(token =>
        {
            batch.Step([token]);
            return batch.Logits(0).ToArray();
        })];
    }

    private string Written(string name, string recipe)
    {
        var (folder, file) = (_folder.File("model"), _folder.File("model.gguf"));
        using (var model = GgufModels.Random(GgufModels.All[name]))
        {
            ModelDirectory.Save(folder, model);
            GgufModels.Write(file, model, ScalarType.Float32, folder);
        }
        GgufQuantizer.Write(file, file, GgufRecipe.Named(recipe));
        return file;
    }
}
