using Crosshead.Checkpoints.HuggingFace.Quantized;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints.HuggingFace.Quantized;

/// <summary>8-bit and 4-bit floating-point numbers.</summary>
public sealed class Float8Tests
{
    // The eight codes of each exponent below 2, as the OCP's "8-bit floating point specification" (table 2) gives them;
    // further exponents double them.
    private static readonly float[] s_subnormal =
        [0, 0.001953125f, 0.00390625f, 0.005859375f, 0.0078125f, 0.009765625f, 0.01171875f, 0.013671875f];

    private static readonly float[] s_smallest = [0.015625f, 0.017578125f, 0.01953125f, 0.021484375f, 0.0234375f,
        0.025390625f, 0.02734375f, 0.029296875f];

    private static float Expected(int code)
    {
        var (exponent, fraction) = ((code & 0x7F) / 8, code % 8);
        var value = (code & 0x7F) == 0x7F ? float.NaN : exponent == 0 ? s_subnormal[fraction] : s_smallest[fraction];
        for (var i = 1; i < exponent; i++) value *= 2;
        return code < 128 ? value : -value;
    }

    [Fact]
    public void Every_code_has_the_value_of_the_specification()
    {
        using var scope = NewDisposeScope();
        byte[] codes = [.. Enumerable.Range(0, 256).Select(c => (byte)c)];
        var decoded = Float8.Decode(tensor(codes).reshape(16, 16)).reshape(-1).data<float>().ToArray();
        for (var code = 0; code < 256; code++)
        {
            var expected = Expected(code);
            if (float.IsNaN(expected)) Assert.Equal(float.NaN, decoded[code]);
            else Assert.Equal(BitConverter.SingleToInt32Bits(expected), BitConverter.SingleToInt32Bits(decoded[code]));
        }
        Assert.Equal([448f, 1, -1, 0.001953125f], [decoded[0x7E], decoded[0x38], decoded[0xB8], decoded[1]]);
    }

    [Fact]
    public void A_scale_belongs_to_a_weight_a_row_or_a_block()
    {
        // 1, 2, -1.5, 448 / 0.5, 0, 240
        byte[] codes = [0x38, 0x40, 0xBC, 0x7E, 0x30, 0x00, 0x77, 0xFE];
        QuantizedFile File() => new QuantizedFile().Add("m.weight", "F8_E4M3", [4, 2], codes);
        float[] values = [1, 2, -1.5f, 448, 0.5f, 0, 240, -448];
        string Of(string weights) => $$"""
            {"quant_method": "compressed-tensors", "format": "float-quantized", "config_groups": {"group_0": {
             "targets": ["Linear"], "weights": {{weights}} ,
             "input_activations": {"num_bits": 8, "type": "float", "dynamic": true} } } }
            """;
        Assert.Equal(values.Select(v => v * 0.5f), File().Floats("m.weight_scale", [1], 0.5f)
            .Values(Of("""{"num_bits": 8, "type": "float", "strategy": "tensor"}""")));
        Assert.Equal(values.Select((v, i) => v * (1 << (i / 2))), File().Halves("m.weight_scale", [4, 1], 1, 2, 4, 8)
            .Values(Of("""{"num_bits": 8, "type": "float", "strategy": "channel"}""")));
        Assert.Equal(values.Select((v, i) => v * (i < 6 ? 2 : 4)), File().Floats("m.weight_scale", [2, 1], 2, 4)
            .Values(Of("""{"num_bits": 8, "type": "float", "strategy": "block", "block_structure": [3, 128]}""")));
        Assert.Equal(values.Select((v, i) => v * (i < 6 ? 2 : 4) * (i % 2 == 0 ? 1 : 4)),
            File().Floats("m.weight_scale_inv", [2, 2], 2, 8, 4, 16)
                .Values("""{"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [3, 1]}"""));
        Assert.Equal(values.Select(v => v * 0.25f), File().Floats("m.weight_scale", [], 0.25f)
            .Values("""{"quant_method": "fp8", "activation_scheme": "static"}"""));
        Assert.Contains("lacks the tensor \"m.weight_scale_inv\"",
            File().Refusal("""{"quant_method": "fp8", "weight_block_size": [128, 128]}"""));
        Assert.Contains("tensor \"m.weight_scale_inv\" has shape [2, 2]; its module asks for [1, 1]",
            File().Floats("m.weight_scale_inv", [2, 2], 2, 8, 4, 16)
                .Refusal("""{"quant_method": "fp8", "weight_block_size": [128, 128]}"""));
    }

    [Fact]
    public void Pieces_are_the_rows_of_the_whole()
    {
        const int rows = 1300, columns = 1024;
        var random = new Random(6);
        var codes = new byte[rows * columns];
        random.NextBytes(codes);
        for (var i = 0; i < codes.Length; i++) if ((codes[i] & 0x7F) == 0x7F) codes[i] = 0;
        float[] scales = [.. Enumerable.Range(0, 11 * 8).Select(_ => random.NextSingle())];
        using var folder = new TemporaryFolder();
        new QuantizedFile().Add("m.weight", "F8_E4M3", [rows, columns], codes)
            .Floats("m.weight_scale_inv", [11, 8], scales).Write(folder.File("model.safetensors"));
        using var files = Crosshead.Checkpoints.Safetensors.WeightFiles.Open(folder.Path);
        using var scope = NewDisposeScope();
        var config = Crosshead.Checkpoints.HuggingFace.ConfigValues.Parse("config.json",
            """{"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}}""");
        var weight = Quantizations.Of(config)!.WeightOf(new ModuleTensors("m", files))!;
        Assert.Equal([0L, 256, 512, 768, 1024, 1280], weight.Pieces.Select(p => p.Start));
        var read = cat([.. weight.Pieces.Select(p => weight.Read(files, p.Start, p.Count))]).data<float>().ToArray();
        for (var i = 0; i < codes.Length; i++)
            if (read[i] != Expected(codes[i]) * scales[(i / columns / 128 * 8) + (i % columns / 128)])
                Assert.Fail($"element {i}: {read[i]}");
    }

    [Fact]
    public void Four_bit_numbers_share_a_power_of_two()
    {
        using var scope = NewDisposeScope();
        byte[] blocks = [.. Enumerable.Range(0, 32).Select(i => (byte)((((2 * i) + 1) % 16 << 4) | (2 * i % 16)))];
        var read = Mxfp4.Decode(tensor(blocks).reshape(1, 2, 16), tensor(new byte[] { 127, 130 }).reshape(1, 2));
        Assert.Equal([1, 64], read.shape);
        float[] codes = [0, .5f, 1, 1.5f, 2, 3, 4, 6, -0f, -.5f, -1, -1.5f, -2, -3, -4, -6];
        Assert.Equal([.. codes, .. codes, .. codes.Select(c => 8 * c), .. codes.Select(c => 8 * c)],
            read.data<float>().ToArray());
        Assert.Contains("do not fit", Assert.Throws<CrossheadException>(() =>
            Mxfp4.Decode(zeros(2, 3, 16, ScalarType.Byte), zeros(2, 2, ScalarType.Byte))).Message);
        Assert.Contains("255", Assert.Throws<CrossheadException>(() =>
            Mxfp4.Decode(zeros(1, 1, 16, ScalarType.Byte), tensor(new byte[] { 255 }).reshape(1, 1))).Message);
    }
}
