using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;
using Crosshead.Model;
using Crosshead.Runtime;
using static Crosshead.Tests.Checkpoints.HuggingFace.Quantized.QuantizedFile;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints.HuggingFace.Quantized;

/// <summary>
/// Quantised weights stay quantised in memory where a format has their numbers. That these are the same, to the last
/// bit, <see cref="QuantizedFile.Values"/> checks.
/// </summary>
public sealed class PackedWeightTests
{
    private const int Rows = 24, Columns = 192;

    [Theory]
    [InlineData(32, 8, "Q4_0")]
    [InlineData(64, 8, "Q4_0")]
    [InlineData(192, 8, "Q4_0")]
    [InlineData(64, 3, "Q4_POINT")]
    [InlineData(96, null, "Q4_POINT")]
    [InlineData(16, 8, null)] // two scales in a block
    public void Integers_of_four_bits_are_packed(int size, int? zero, string? format)
    {
        var (groups, random) = (Columns / size, new Random(size));
        var codes = Make(Rows, Columns, (_, _) => random.Next(16));
        var zeros = Make(Rows, groups, (_, _) => zero ?? random.Next(1, 17));
        var scales = Make(Rows, groups, (_, _) => (float)(Half)(random.NextSingle() - 0.5f));
        float[] halves = [.. Transpose(scales).Cast<float>()];
        QuantizedFile Gptq() => new QuantizedFile().Words("m.qweight", Pack(Transpose(codes), 4, 0))
            .Words("m.qzeros", Pack(Make(groups, Rows, (g, r) => zeros[r, g] - 1), 4, 1))
            .Halves("m.scales", [groups, Rows], halves);
        var settings = $$"""{"quant_method": "gptq", "bits": 4, "group_size": {{size}}}""";
        Assert.Equal(format, As(Gptq(), settings));
        Assert.Equal(format, As(Gptq().Integers("m.g_idx", [.. Enumerable.Range(0, Columns).Select(c => c / size)]),
            settings));
        if (groups > 1)
            Assert.Null(As(Gptq().Integers("m.g_idx", [.. Enumerable.Range(0, Columns).Select(c => c % groups)]),
                settings));
        if (zero is null) return;
        int[] order = [0, 2, 4, 6, 1, 3, 5, 7];
        Assert.Equal(format, As(new QuantizedFile().Words("m.qweight", Pack(Transpose(codes), 4, 1, order))
            .Words("m.qzeros", Pack(Transpose(zeros), 4, 1, order)).Halves("m.scales", [groups, Rows], halves),
            $$"""{"quant_method": "awq", "bits": 4, "group_size": {{size}}}"""));
        // Scales of bfloat16 are numbers of half precision unless they are very small.
        string? Compressed(float scale) => As(new QuantizedFile().Words("m.weight_packed", Pack(codes, 4, 1))
            .Shape("m.weight_shape", Rows, Columns)
            .Brains("m.weight_scale", [Rows, groups], [.. Enumerable.Repeat(scale, Rows * groups)]), $$"""
            {"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups": {"g": {
             "targets": ["Linear"], "weights": {"num_bits": 4, "strategy": "group", "group_size": {{size}} } } } }
            """);
        Assert.Equal(format is null ? null : "Q4_0", Compressed(0.0030975342f));
        Assert.Null(Compressed(1e-9f));
    }

    [Fact]
    public void Integers_of_eight_bits_are_packed_if_they_have_a_sign()
    {
        var random = new Random(1);
        sbyte[] codes = [.. Enumerable.Range(0, 2 * 64).Select(_ => (sbyte)random.Next(-128, 128))];
        QuantizedFile Weight() => new QuantizedFile().SignedBytes("m.weight", [2, 64], codes)
            .Floats("m.weight_scale", [2, 1], 0.5f, -0.25f);
        string Settings(bool symmetric) => $$"""
            {"quant_method": "compressed-tensors", "format": "int-quantized", "config_groups": {"g": {
             "targets": ["Linear"], "weights": {"num_bits": 8, "strategy": "channel",
             "symmetric": {{(symmetric ? "true" : "false")}} } } } }
            """;
        Assert.Equal("Q8_0", As(Weight(), Settings(symmetric: true)));
        Assert.Null(As(Weight().SignedBytes("m.weight_zero_point", [2, 1], 100, -100), Settings(symmetric: false)));
    }

    [Fact]
    public void Floating_point_numbers_of_eight_bits_are_packed()
    {
        // All codes but NaN, 160 columns: the last block of 128 has 32.
        byte[] codes = [.. Enumerable.Range(0, 40 * 160).Select(i => (byte)(i % 127 | (i % 2 << 7)))];
        string? Packed(byte[] stored, string? block, params float[] scales) => As(new QuantizedFile()
            .Add("m.weight", "F8_E4M3", [40, 160], stored).Floats(block is null ? "m.weight_scale"
                : "m.weight_scale_inv", block is null ? [] : [2, 2], scales), $$"""
            {"quant_method": "fp8", "weight_block_size": {{block ?? "null"}} }
            """);
        Assert.Equal("F8", Packed(codes, null, 0.1234567f));
        Assert.Equal("F8", Packed(codes, "[32, 128]", 0.1f, -0.2f, 3e-9f, 4e9f));
        Assert.Null(Packed(codes, "[32, 80]", 0.1f, 0.2f, 0.3f, 0.4f)); // column 64 to 95 have two scales
        codes[77] = 0xFF;
        Assert.Null(Packed(codes, null, 1)); // it is refused as a weight that is no number
    }

    [Fact]
    public void A_model_keeps_them_packed_and_its_logits_are_those_of_the_numbers()
    {
        using var folder = new TemporaryFolder();
        using (var model = new LanguageModel(new ModelOptions
        {
            VocabularySize = 40,
            HiddenSize = 64,
            FeedForwardSize = 96,
            Layers = 2,
            Context = 32,
            Attention = new() { Heads = 4, KeyValueHeads = 2 },
        }))
        {
            model.Initialize(3);
            ModelDirectory.Save(folder.Path, model);
        }
        var file = new QuantizedFile();
        var stored = 0L;
        using (var files = WeightFiles.Open(folder.Path))
        using (NewDisposeScope())
        {
            var random = new Random(5);
            foreach (var (name, entry) in files.Tensors)
                if (!name.Contains("proj")) file.Floats(name, entry.Shape, files.Map(name).data<float>().ToArray());
                else
                {
                    stored += entry.Elements;
                    var codes = new byte[entry.Elements];
                    for (var i = 0; i < codes.Length; i++) codes[i] = (byte)(random.Next(80) | (random.Next(2) << 7));
                    file.Add(name, "F8_E4M3", entry.Shape, codes).Floats($"{name}_scale", [1], 0.3f);
                }
        }
        file.Write(folder.File("model.safetensors"));
        var path = folder.File("config.json");
        File.WriteAllText(path, File.ReadAllText(path).TrimEnd().TrimEnd('}')
            + """, "quantization_config": {"quant_method": "fp8"} }""");
        using (var packed = ModelDirectory.LoadFrozen(folder.Path, ScalarType.Float32))
            Assert.Equal(stored / 32 * 36, packed.Parameters.Where(p => p.Name.Contains("proj"))
                .Sum(p => p.Stored!.Bytes));
        using (var dense = ModelDirectory.Load(folder.Path)) ModelDirectory.Save(folder.File("dense"), dense);
        Assert.Equal(Logits(folder.File("dense")), Logits(folder.Path));
    }

    private static string? As(QuantizedFile file, string configuration)
    {
        file.Values(configuration);
        return file.PackedAs;
    }

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
}
