using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Model;
using Crosshead.Weights;
using static Crosshead.Tests.Checkpoints.Gguf.GgufReaderTests;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints.Gguf;

public sealed class GgufQuantizerTests : IDisposable
{
    private static readonly ModelOptions s_llama = new()
    {
        VocabularySize = 40,
        HiddenSize = 256,
        Layers = 2,
        FeedForwardSize = 320,
        Context = 64,
        Attention = new() { Heads = 4, KeyValueHeads = 2, HeadDim = 64 },
    };

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Recipes => [.. GgufRecipe.All.Select(recipe => recipe.Name)];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Recipes))]
    public void Each_recipe_writes_what_its_formats_make_of_the_numbers(string name)
    {
        using var model = Model(s_llama);
        Write("exact.gguf", model, "f32");
        Write("made.gguf", model, name);
        using GgufReader exact = GgufReader.Open(File("exact.gguf")), made = GgufReader.Open(File("made.gguf"));
        var recipe = GgufRecipe.Named(name);
        Assert.Equal(recipe.FileType, made.Metadata.Integer("general.file_type"));
        Assert.Equal(recipe.IsQuantized ? 2 : null, made.Metadata.Integer("general.quantization_version"));
        Assert.Equal(exact.Tensors.Keys, made.Tensors.Keys);
        foreach (var (tensor, info) in made.Tensors)
        {
            var values = Values(exact, tensor);
            var format = info.Type.Format!;
            var expected = new byte[info.Bytes];
            format.Write(values, expected);
            Assert.Equal(expected, Bytes(made, tensor));
        }
        if (name == "q4_k_m")
            Assert.Equal(["Q4_K", "Q5_0", "Q6_K", "Q8_0"], made.Tensors.Values.Select(t => t.Type.Name)
                .Where(type => type != "F32").Distinct().Order());
        // The same from the file as from the model.
        GgufQuantizer.Require(ModelDescription.Of(File("exact.gguf")), recipe);
        GgufQuantizer.Write(File("again.gguf"), File("exact.gguf"), recipe);
        using var again = GgufReader.Open(File("again.gguf"));
        Assert.All(made.Tensors.Keys, tensor => Assert.Equal(Bytes(made, tensor), Bytes(again, tensor)));
        Assert.Equal(made.Metadata.Keys.Order(), again.Metadata.Keys.Order());
    }

    [Fact]
    public void A_model_in_a_folder_is_quantised_where_it_lies()
    {
        using var model = Model(s_llama);
        ModelDirectory.Save(File("folder"), model, type: ScalarType.BFloat16);
        using (var frozen = ModelDirectory.LoadFrozen(File("folder"), ScalarType.Float32))
            Write("made.gguf", frozen, "q8_0");
        using var made = GgufReader.Open(File("made.gguf"));
        // The rows of queries are in the order of the architecture: row 1 there is row d/2 of the model.
        using var rounded = model.Parameters.Single(p => p.Name.EndsWith("0.self_attn.q_proj.weight")).Value
            .detach().to(ScalarType.BFloat16).to(ScalarType.Float32);
        var expected = new byte[WeightFormat.Q8Zero.RowBytes(256)];
        WeightFormat.Q8Zero.Write(rounded[32].data<float>().ToArray(), expected);
        Assert.Equal(expected, Bytes(made, "blk.0.attn_q.weight")[expected.Length..(2 * expected.Length)]);
    }

    [Fact]
    public void Experts_are_quantised_one_after_the_other()
    {
        using var model = Model(s_llama with
        {
            Family = ModelFamily.Qwen3Moe,
            NormEpsilon = 1e-6,
            Experts = new() { Count = 3, PerToken = 2, InnerSize = 32 },
            Attention = s_llama.Attention with { QueryKeyNorm = true },
        });
        Write("exact.gguf", model, "f32");
        Write("made.gguf", model, "q4_k_m");
        using GgufReader exact = GgufReader.Open(File("exact.gguf")), made = GgufReader.Open(File("made.gguf"));
        var gate = made.Tensors["blk.1.ffn_gate_exps.weight"];
        Assert.Equal(("Q4_K", "Q5_0", "F32"), (gate.Type.Name, made.Tensors["blk.0.ffn_down_exps.weight"].Type.Name,
            made.Tensors["blk.1.ffn_gate_inp.weight"].Type.Name));
        var expected = new byte[gate.Bytes];
        WeightFormat.Q4K.Write(Values(exact, gate.Name), expected);
        Assert.Equal(expected, Bytes(made, gate.Name));
    }

    [Fact]
    public void What_is_quantised_is_quantised_again_only_on_request()
    {
        using var model = Model(s_llama);
        Write("q8.gguf", model, "q8_0");
        var (q8, q4) = (GgufRecipe.Named("q8_0"), GgufRecipe.Named("q4_0"));
        Refused("is quantised already (tensor token_embd.weight has type Q8_0), and quantising again loses more",
            () => GgufQuantizer.Require(ModelDescription.Of(File("q8.gguf")), q4));
        GgufQuantizer.Require(ModelDescription.Of(File("q8.gguf")), q4, allowRequantize: true);
        GgufQuantizer.Require(ModelDescription.Of(File("q8.gguf")), GgufRecipe.Named("f32"));
        // A tensor that has the type already keeps its bytes.
        GgufQuantizer.Write(File("same.gguf"), File("q8.gguf"), q8);
        using GgufReader before = GgufReader.Open(File("q8.gguf")), after = GgufReader.Open(File("same.gguf"));
        Assert.All(before.Tensors.Keys, tensor => Assert.Equal(Bytes(before, tensor), Bytes(after, tensor)));
        GgufQuantizer.Write(File("q4.gguf"), File("q8.gguf"), q4);
        using var smaller = GgufReader.Open(File("q4.gguf"));
        Assert.Equal("Q4_0", smaller.Tensors["blk.0.ffn_up.weight"].Type.Name);
    }

    [Fact]
    public void Everything_else_in_a_file_stays()
    {
        using var model = Model(s_llama);
        Write("plain.gguf", model, "f16");
        using var plain = GgufReader.Open(File("plain.gguf"));
        var writer = new GgufWriter(alignment: 64);
        foreach (var key in plain.Metadata.Keys) writer.Copy(plain.Metadata, key);
        writer.Add("general.license", "none ✓");
        writer.AddList("x.texts", ["a", "", "ü"]);
        writer.AddList<bool>("x.flags", [true, false]);
        writer.Add("x.small", (sbyte)-3);
        writer.Add("quantize.imatrix.file", "of an earlier file");
        foreach (var tensor in plain.Tensors.Values)
            writer.AddTensor(tensor.Name, tensor.Type, tensor.Shape, s => s.Write(Bytes(plain, tensor.Name)));
        writer.Write(File("more.gguf"));
        GgufQuantizer.Write(File("made.gguf"), File("more.gguf"), GgufRecipe.Named("q5_1"));
        using var made = GgufReader.Open(File("made.gguf"));
        Assert.Equal("none ✓", made.Metadata.Text("general.license"));
        Assert.Equal(["a", "", "ü"], made.Metadata.Texts("x.texts")!);
        Assert.Equal((GgufValueType.Int8, -3), (made.Metadata.TypeOf("x.small"), made.Metadata.Integer("x.small")));
        Assert.Equal((9, 256), (made.Metadata.Integer("general.file_type"),
            made.Metadata.Integer("llama.embedding_length")));
        Assert.False(made.Metadata.Has("general.alignment"));
        Assert.False(made.Metadata.Has("quantize.imatrix.file"));
    }

    [Fact]
    public void Numbers_beyond_a_half_are_refused_and_an_interruption_leaves_nothing()
    {
        using var model = Model(s_llama);
        using (no_grad()) model.Parameters.First(p => p.Name.Contains("up_proj")).Value.view(-1)[3].fill_(70000);
        Refused("tensor blk.0.ffn_up.weight has 1 values that are not finite as Q4_0; write the model in bf16 or f32",
            () => Write("made.gguf", model, "q4_0"));
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => GgufModel.Write(File("made.gguf"), model,
            GgufRecipe.Named("bf16"), _folder.Path, "tiny", new Stop(stop), cancellation: stop.Token));
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    private string File(string name) => _folder.File(name);

    private void Write(string file, LanguageModel model, string recipe) =>
        GgufModel.Write(File(file), model, GgufRecipe.Named(recipe), _folder.Path, "tiny");

    private static LanguageModel Model(ModelOptions options)
    {
        var model = new LanguageModel(options);
        model.Initialize(1);
        return model;
    }

    private static float[] Values(GgufReader file, string tensor)
    {
        var values = new float[file.Tensors[tensor].Elements];
        file.Read(tensor, 0, values);
        return values;
    }

    private static byte[] Bytes(GgufReader file, string tensor)
    {
        var bytes = new byte[file.Tensors[tensor].Bytes];
        file.ReadBytes(tensor, 0, bytes);
        return bytes;
    }

    private sealed class Stop(CancellationTokenSource source) : IProgress<GgufProgress>
    {
        public void Report(GgufProgress value)
        {
            if (value.Done > value.Total / 2) source.Cancel();
        }
    }
}
