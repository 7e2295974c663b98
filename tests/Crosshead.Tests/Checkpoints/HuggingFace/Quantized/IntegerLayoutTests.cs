using static Crosshead.Tests.Checkpoints.HuggingFace.Quantized.QuantizedFile;

namespace Crosshead.Tests.Checkpoints.HuggingFace.Quantized;

/// <summary>Integers of 4 and 8 bits, as three programs store them.</summary>
public sealed class IntegerLayoutTests
{
    private const int Rows = 24, Columns = 64, Size = 16, Groups = Columns / Size;

    private const string Gptq = """{"quant_method": "gptq", "bits": 4, "group_size": 16, "desc_act": true}""";

    private const string GptqV2 =
        """{"quant_method": "gptq", "bits": 4, "group_size": 16, "checkpoint_format": "gptq_v2"}""";

    private const string Awq = """{"quant_method": "awq", "bits": 4, "group_size": 16, "version": "gemm"}""";

    private static readonly int[] s_awqOrder = [0, 2, 4, 6, 1, 3, 5, 7];

    private static string Packed(string weights) => $$"""
        {"quant_method": "compressed-tensors", "format": "pack-quantized",
         "config_groups": {"group_0": {"targets": ["Linear"], "weights": {{weights}} } } }
        """;

    private static float[] Flat(float[,] matrix) => [.. matrix.Cast<float>()];

    private static (int[,] Codes, int[,] Zeros, float[,] Scales) Random(int seed, int most = 15)
    {
        var random = new Random(seed);
        return (Make(Rows, Columns, (_, _) => random.Next(most + 1)),
            Make(Rows, Groups, (_, _) => random.Next(1, most + 1)),
            Make(Rows, Groups, (_, _) => (float)(Half)(random.NextSingle() + 0.01f)));
    }

    private static float[] Expected((int[,] Codes, int[,] Zeros, float[,] Scales) w, Func<int, int> group) =>
        Flat(Make(Rows, Columns, (r, c) => (w.Codes[r, c] - w.Zeros[r, group(c)]) * w.Scales[r, group(c)]));

    private static QuantizedFile GptqFile((int[,] Codes, int[,] Zeros, float[,] Scales) w, int stored, int bits = 4) =>
        new QuantizedFile()
            .Words("m.qweight", Pack(Transpose(w.Codes), bits, 0))
            .Words("m.qzeros", Pack(Make(Groups, Rows, (g, r) => w.Zeros[r, g] - stored), bits, 1))
            .Halves("m.scales", [Groups, Rows], Flat(Transpose(w.Scales)));

    [Fact]
    public void The_same_integers_are_one_matrix_in_every_layout()
    {
        var w = Random(1);
        var expected = Expected(w, c => c / Size);
        Assert.Equal(expected, GptqFile(w, stored: 1).Values(Gptq));
        Assert.Equal(expected, GptqFile(w, stored: 0).Values(GptqV2));
        Assert.Equal(expected, new QuantizedFile()
            .Words("m.qweight", Pack(Transpose(w.Codes), 4, 1, s_awqOrder))
            .Words("m.qzeros", Pack(Transpose(w.Zeros), 4, 1, s_awqOrder))
            .Halves("m.scales", [Groups, Rows], Flat(Transpose(w.Scales))).Values(Awq));
        Assert.Equal(expected, new QuantizedFile()
            .Words("m.weight_packed", Pack(w.Codes, 4, 1))
            .Words("m.weight_zero_point", Pack(w.Zeros, 4, 0))
            .Halves("m.weight_scale", [Rows, Groups], Flat(w.Scales))
            .Shape("m.weight_shape", Rows, Columns)
            .Values(Packed("""{"num_bits": 4, "type": "int", "symmetric": false, "strategy": "group", "group_size": 16}""")));
    }

    // Words written down by hand: from the lowest bits AutoAWQ packs the outputs 0, 2, 4, 6, 1, 3, 5, 7.
    [Fact]
    public void The_order_of_the_eight_numbers_of_a_word_is_that_of_each_method()
    {
        float[] expected = [.. Enumerable.Range(0, 8).Select(i => i - 3f)];
        Assert.Equal(expected, new QuantizedFile()
            .Words("m.qweight", new[,] { { 0x75316420 } }).Words("m.qzeros", new[,] { { 0x33333333 } })
            .Halves("m.scales", [1, 8], 1, 1, 1, 1, 1, 1, 1, 1)
            .Values("""{"quant_method": "awq", "bits": 4, "group_size": -1}"""));
        Assert.Equal(expected, new QuantizedFile()
            .Words("m.qweight", new[,] { { 0x76543210 } }).Words("m.qzeros", new[,] { { 2 } })
            .Halves("m.scales", [1, 1], 1)
            .Values("""{"quant_method": "gptq", "bits": 4, "group_size": -1}"""));
        Assert.Equal([-8f, -7, -6, -5, -4, -3, -2, -1], new QuantizedFile()
            .Words("m.weight_packed", new[,] { { 0x76543210 } }).Halves("m.weight_scale", [1, 1], 1)
            .Shape("m.weight_shape", 1, 8)
            .Values(Packed("""{"num_bits": 4, "type": "int", "symmetric": true, "strategy": "channel"}""")));
        Assert.Equal([7f, -1, 0, -8], new QuantizedFile() // high bits set: a word is a negative number
            .Words("m.weight_packed", new[,] { { unchecked((int)0xFFFF087F) } }).Halves("m.weight_scale", [1, 1], 1)
            .Shape("m.weight_shape", 1, 4)
            .Values(Packed("""{"num_bits": 4, "type": "int", "symmetric": true, "strategy": "channel"}""")));
    }

    [Fact]
    public void Columns_out_of_order_have_the_group_that_the_file_names()
    {
        var w = Random(2);
        var random = new Random(3);
        int[] group = [.. Enumerable.Range(0, Columns).Select(c => c / Size).OrderBy(_ => random.Next())];
        var expected = Expected(w, c => group[c]);
        Assert.Equal(expected, GptqFile(w, stored: 1).Integers("m.g_idx", group).Values(Gptq));
        var symmetric = (w.Codes, Zeros: Make(Rows, Groups, (_, _) => 8), w.Scales);
        QuantizedFile Packed4(int[] order) => new QuantizedFile().Words("m.weight_packed", Pack(w.Codes, 4, 1))
            .Halves("m.weight_scale", [Rows, Groups], Flat(w.Scales)).Shape("m.weight_shape", Rows, Columns)
            .Integers("m.weight_g_idx", order);
        var scheme = Packed("""
            {"num_bits": 4, "type": "int", "symmetric": true, "strategy": "group", "group_size": 16, "actorder": "group"}
            """);
        Assert.Equal(Expected(symmetric, c => group[c]), Packed4(group).Values(scheme));
        Assert.Equal(Expected(symmetric, c => c / Size), Packed4([.. group.Select(_ => -1)]).Values(scheme));
        group[5] = Groups;
        Assert.Contains("\"m.g_idx\" names groups from 0 to 4; there are 4, from 0",
            GptqFile(w, stored: 1).Integers("m.g_idx", group).Refusal(Gptq));
    }

    [Fact]
    public void Eight_bits_are_read_too()
    {
        var w = Random(4, most: 255);
        Assert.Equal(Expected(w, c => c / Size), GptqFile(w, stored: 1, bits: 8)
            .Values("""{"quant_method": "gptq", "bits": 8, "group_size": 16}"""));
        Assert.Equal(Expected(w with { Zeros = Make(Rows, Groups, (_, _) => 128) }, c => c / Size), new QuantizedFile()
            .Words("m.weight_packed", Pack(w.Codes, 8, 1)).Shape("m.weight_shape", Rows, Columns)
            .Halves("m.weight_scale", [Rows, Groups], Flat(w.Scales))
            .Values(Packed("""{"num_bits": 8, "type": "int", "group_size": 16}""")));
        // (w − z) · s, the zero points beside the scales
        Assert.Equal([-1.5f, 0, 63, -33, 0, 0.25f], new QuantizedFile()
            .SignedBytes("m.weight", [2, 3], -4, -1, 125, -128, 4, 5)
            .SignedBytes("m.weight_zero_point", [2, 1], -1, 4)
            .Floats("m.weight_scale", [2, 1], 0.5f, 0.25f)
            .Values("""
                {"quant_method": "compressed-tensors", "format": "int-quantized", "config_groups": {"g": {
                 "targets": ["re:m$"], "weights": {"num_bits": 8, "type": "int", "symmetric": false,
                 "strategy": "channel"}}}}
                """));
    }

    [Fact]
    public void The_last_word_of_a_row_may_be_filled_up()
    {
        var codes = Make(3, 13, (r, c) => (r + c) % 16);
        var zeros = Make(3, 1, (r, _) => r + 2);
        Assert.Equal(Flat(Make(3, 13, (r, c) => ((r + c) % 16) - (r + 2f))), new QuantizedFile()
            .Words("m.weight_packed", Pack(codes, 4, 1)).Words("m.weight_zero_point", Pack(zeros, 4, 0))
            .Halves("m.weight_scale", [3, 1], 1, 1, 1).Shape("m.weight_shape", 3, 13)
            .Values(Packed("""{"num_bits": 4, "type": "int", "symmetric": false, "strategy": "channel"}""")));
    }

    [Theory]
    [InlineData("m.qzeros", "lacks the tensor \"m.qzeros\"")]
    [InlineData("m.scales", "lacks the tensor \"m.scales\"")]
    public void A_lost_tensor_is_named(string lost, string message)
    {
        var file = new QuantizedFile().Words("m.qweight", new int[8, Rows]);
        if (lost != "m.qzeros") file.Words("m.qzeros", new int[Groups, Rows / 8]);
        if (lost != "m.scales") file.Halves("m.scales", [Groups, Rows], new float[Groups * Rows]);
        Assert.Contains(message, file.Refusal(Gptq));
    }

    [Fact]
    public void Tensors_that_do_not_fit_each_other_are_refused()
    {
        var w = Random(5);
        Assert.Contains("tensor \"m.scales\" has shape [4, 24]; its module asks for [2, 24]",
            GptqFile(w, 1).Refusal("""{"quant_method": "gptq", "bits": 4, "group_size": 32}"""));
        Assert.Contains("m.weight has 64 columns, which are no whole groups of 24 (group_size)",
            GptqFile(w, 1).Refusal("""{"quant_method": "gptq", "bits": 4, "group_size": 24}"""));
        Assert.Contains("tensor \"m.qweight\" is of type F16; supported is I32",
            new QuantizedFile().Halves("m.qweight", [1, 1], 1).Refusal(Gptq));
        Assert.Contains("tensor \"m.g_idx\" has shape [3]; its module asks for [64]",
            GptqFile(w, 1).Integers("m.g_idx", 0, 1, 2).Refusal(Gptq));
        w.Scales[3, 1] = float.NaN;
        Assert.Contains("tensor \"m.scales\" holds scales that are NaN or infinite", GptqFile(w, 1).Refusal(Gptq));
    }
}
