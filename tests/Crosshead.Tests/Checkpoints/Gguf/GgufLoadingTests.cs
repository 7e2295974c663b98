using System.Buffers.Binary;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Model;
using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints.Gguf;

/// <summary>A model in a GGUF file is the model in the directory that the file was made from.</summary>
public sealed class GgufLoadingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, ScalarType> Cases => new(GgufModels.All.Keys.SelectMany(name =>
        new[] { ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16 }.Select(type => (name, type))));

    [Theory]
    [MemberData(nameof(Cases))]
    public void It_has_the_same_weights_and_logits(string name, ScalarType type)
    {
        var (folder, file) = Written(name, type);
        GgufModels.RequireEqual(folder, file, ScalarType.Float32);
        if (type == ScalarType.BFloat16) GgufModels.RequireEqual(folder, file, ScalarType.BFloat16);
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("llama3-rope-tied")]
    [InlineData("mistral-window")]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    [InlineData("qwen3-moe")]
    public void A_published_layout_has_the_same_weights_and_logits(string name)
    {
        var folder = SharedData.Path("fixtures", "hf", name);
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            using (var model = ModelDirectory.Load(folder))
            {
                if (type == ScalarType.BFloat16)
                {
                    using (no_grad())
                        foreach (var p in model.Parameters) p.Value.copy_(p.Value.to(type));
                    folder = _folder.File("rounded");
                    ModelDirectory.Save(folder, model);
                }
                GgufModels.Write(_folder.File("x.gguf"), model, type, folder);
            }
            GgufModels.RequireEqual(folder, _folder.File("x.gguf"), ScalarType.Float32);
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_published_family_has_the_same_shape_and_logits(string name)
    {
        var folder = SharedData.Path("fixtures", "families", name);
        var file = _folder.File("x.gguf");
        using (var model = ModelDirectory.Load(folder)) GgufModels.Write(file, model, ScalarType.Float32, folder);
        var (written, read) = (ModelDescription.Of(folder).Options, ModelDescription.Of(file).Options);
        Assert.Equal(written.Family, read.Family);
        Assert.Equal(written.Block, read.Block);
        GgufModels.RequireSameLogits(folder, file, ScalarType.Float32, allowed: 1e-6);
    }

    public static TheoryData<string> Families =>
    [
        "cohere2", "deepseek-v3", "gemma2", "gemma3", "glm4", "glm4-moe", "gpt-oss", "granite", "ministral3", "mixtral",
        "olmo2", "olmo3", "phi3", "phi3-longrope", "seed-oss", "smollm3",
    ];

    [Theory]
    [InlineData("llama, biases", "q8_0")]
    [InlineData("llama, biases", "q4_k_m")]
    [InlineData("qwen3moe", "q4_0")]
    [InlineData("qwen3moe", "q5_1")]
    public void Quantised_weights_are_computed_with_as_their_values(string name, string recipe)
    {
        var (folder, file) = Written(name, ScalarType.Float32);
        GgufQuantizer.Write(file, file, GgufRecipe.Named(recipe));
        using (var read = GgufReader.Open(file)) Assert.Contains(read.Tensors.Values, t => t.Type.BlockSize > 1);
        // The same values as floating-point numbers.
        using (var model = ModelDirectory.Load(file)) ModelDirectory.Save(folder, model);
        GgufModels.RequireEqual(folder, file, ScalarType.Float32, allowed: 1e-5);
    }

    [Fact]
    public void What_is_quantised_is_told()
    {
        var (_, file) = Written("llama", ScalarType.Float32);
        Assert.Null(ModelDescription.Of(file).Quantization);
        GgufQuantizer.Write(file, file, GgufRecipe.Named("q8_0"));
        var description = ModelDescription.Of(file);
        Assert.Equal(("Q8_0", ScalarType.BFloat16, 8.5), (description.Weights.TypeName, description.Weights.Type,
            description.Weights.Types[0].BitsPerWeight));
        Assert.Equal(["Q8_0", "float32"], description.Weights.Types.Select(t => t.Name));
        Assert.Equal("Q8_0", description.Quantization);
        // A name for it is only shown, and is no hindrance.
        Assert.Equal("Q4_K_M", ModelDescription.Of(new GgufEdit(file).Count("general.file_type", 15).Write(file))
            .Quantization);
        Assert.Equal("Q8_0", ModelDescription.Of(new GgufEdit(file).Text("general.file_type", "?").Write(file))
            .Quantization);
    }

    [Fact]
    public void Rows_of_queries_and_keys_come_back_in_order_whatever_the_number_of_key_heads()
    {
        var (folder, file) = Written("llama", ScalarType.Float32);
        using LanguageModel expected = ModelDirectory.Load(folder), actual = ModelDirectory.LoadFrozen(file,
            ScalarType.Float32);
        foreach (var projection in new[] { "q_proj", "k_proj" })
        {
            Tensor Of(LanguageModel model) =>
                model.Parameters.Single(p => p.Name == $"model.layers.1.self_attn.{projection}.weight").Value;
            using var file1 = GgufReader.Open(file);
            var stored = new float[Of(expected).NumberOfElements];
            file1.Read($"blk.1.attn_{projection[0]}.weight", 0, stored);
            var values = Of(expected).data<float>().ToArray();
            Assert.NotEqual(values, stored); // there they have another order
            Assert.Equal(values, Of(actual).data<float>().ToArray());
            Assert.Equal(values[(8 * 32)..(9 * 32)], stored[(1 * 32)..(2 * 32)]); // row d/2 is the second
        }
    }

    [Fact]
    public void Files_of_several_parts_are_one_model()
    {
        var (folder, file) = Written("qwen3", ScalarType.Float32);
        var names = new GgufEdit(file).Tensors.ToArray();
        for (var part = 0; part < 2; part++)
        {
            var edit = new GgufEdit(file);
            foreach (var name in names.Where((_, i) => (i >= names.Length / 2) != (part == 1))) edit.Without(name);
            edit.Count("split.no", part).Count("split.count", 2).Count("split.tensors.count", names.Length)
                .Write(_folder.File($"x-0000{part + 1}-of-00002.gguf"));
        }
        var first = _folder.File("x-00001-of-00002.gguf");
        GgufModels.RequireEqual(folder, first, ScalarType.Float32);
        var hash = ModelDescription.Of(first).WeightsHash;
        new GgufEdit(file).Write(_folder.File("same.gguf"));
        Assert.NotEqual(hash, ModelDescription.Of(file).WeightsHash);
        Assert.Equal(ModelDescription.Of(file).WeightsHash, ModelDescription.Of(_folder.File("same.gguf")).WeightsHash);
        Assert.Contains("not the first of 2 files", Refused(_folder.File("x-00002-of-00002.gguf")));
    }

    [Fact]
    public void Weights_that_are_no_numbers_are_refused_by_name()
    {
        var (_, file) = Written("llama", ScalarType.Float32);
        new GgufEdit(file).Bytes("blk.1.ffn_up.weight",
            b => BinaryPrimitives.WriteSingleLittleEndian(b.AsSpan(28), float.NaN))
            .Bytes("output_norm.weight",
                b => BinaryPrimitives.WriteSingleLittleEndian(b.AsSpan(8), float.NegativeInfinity))
            .Write(_folder.File("nan.gguf"));
        foreach (var load in new Func<string, LanguageModel>[]
        {
            path => ModelDirectory.Load(path), path => ModelDirectory.LoadFrozen(path, ScalarType.Float32),
        })
        {
            var refused = Assert.Throws<CrossheadException>(() => load(_folder.File("nan.gguf"))).Message;
            Assert.Contains("holds weights that are NaN or infinite", refused);
            Assert.Contains("\"blk.1.ffn_up.weight\" (1 of 2048)", refused);
            Assert.Contains("\"output_norm.weight\" (1 of 32)", refused);
        }
        GgufQuantizer.Write(file, file, GgufRecipe.Named("q8_0"));
        new GgufEdit(file).Bytes("blk.0.attn_q.weight", b => BinaryPrimitives.WriteHalfLittleEndian(b.AsSpan(34),
            Half.PositiveInfinity)).Write(_folder.File("infinite.gguf"));
        Assert.Contains("\"blk.0.attn_q.weight\" (32 of 2048)", Assert.Throws<CrossheadException>(
            () => ModelDirectory.LoadFrozen(_folder.File("infinite.gguf"), ScalarType.Float32)).Message);
        // Not a weight of the model.
        new GgufEdit(file).Tensor("blk.0.attn_rot_embd.weight", "F32", [4], [.. Enumerable.Repeat((byte)0xFF, 16)])
            .Write(_folder.File("table.gguf"));
        ModelDirectory.LoadFrozen(_folder.File("table.gguf"), ScalarType.Float32).Dispose();
    }

    [Fact]
    public void Bad_scales_of_every_format_are_found()
    {
        foreach (var format in WeightFormat.All)
        {
            var columns = format.BlockSize * 2;
            using var matrix = WeightMatrix.OfZeros(format, 3, columns);
            Assert.Equal(0, FiniteCheck.Count(matrix));
            var values = new float[columns];
            for (var at = 0; at < format.BlockBytes; at++)
            {
                // All bits of one byte, and of the byte before: what is no number must be counted.
                matrix.BytesOf(1).Clear();
                matrix.BytesOf(1)[at] = 0x7F;
                matrix.BytesOf(1)[Math.Max(at - 1, 0)] = 0xFF;
                matrix.Read(1, values);
                Assert.Equal(values.Count(v => !float.IsFinite(v)), FiniteCheck.Count(matrix));
            }
        }
    }

    [Fact]
    public void Nothing_large_is_allocated_for_what_a_header_claims()
    {
        var (_, file) = Written("qwen3moe", ScalarType.Float32);
        foreach (var (key, value, told) in new[]
        {
            ("block_count", 100_000, "the key qwen3moe.block_count is 100000, the file has"),
            ("expert_count", 65_536, "its keys describe a model of"),
            ("vocab_size", int.MaxValue, "its keys describe a model of"),
            ("embedding_length", 100_000_000, "its keys describe a model of"),
        })
        {
            var claims = new GgufEdit(file).Count($"qwen3moe.{key}", value).Write(_folder.File("claims.gguf"));
            Refused(claims); // what is made once is not counted
            var before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Contains(told, Refused(claims));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2 * new FileInfo(file).Length);
        }
    }

    private static string Refused(string path) =>
        Assert.Throws<CrossheadException>(() => ModelDirectory.Check(path)).Message;

    private (string Folder, string File) Written(string name, ScalarType type)
    {
        var (folder, file) = (_folder.File("model"), _folder.File("model.gguf"));
        using (var model = GgufModels.Random(GgufModels.All[name])) ModelDirectory.Save(folder, model, type: type);
        using var stored = ModelDirectory.Load(folder);
        return (folder, GgufModels.Write(file, stored, type, folder));
    }
}
