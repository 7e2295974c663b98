using static TorchSharp.torch;

namespace Crosshead.Checkpoints.HuggingFace.Quantized;

/// <summary>
/// 8-bit floating-point numbers of the kind E4M3FN: a sign, 4 bits of exponent with bias 7, 3 bits of fraction. There
/// is no infinity. The codes 0x7F and 0xFF are NaN, and the largest number is 448.
/// </summary>
internal static class Float8
{
    /// <summary>The name of the type in a safetensors header.</summary>
    public const string TypeName = "F8_E4M3";

    private const int Bias = 7, FractionBits = 3;

    private static readonly float[] Table = [.. Enumerable.Range(0, 256).Select(code => Value((byte)code))];

    /// <summary>The number of a code.</summary>
    public static float Value(byte code)
    {
        var (exponent, fraction) = ((code >> FractionBits) & 0xF, code & 0x7);
        var magnitude = (exponent, fraction) switch
        {
            (0xF, 0x7) => float.NaN,
            (0, _) => MathF.ScaleB(fraction, 1 - Bias - FractionBits),
            _ => MathF.ScaleB(fraction + (1 << FractionBits), exponent - Bias - FractionBits),
        };
        return (code & 0x80) == 0 ? magnitude : -magnitude;
    }

    /// <summary>The numbers of codes (bytes) of any shape, as float32.</summary>
    public static Tensor Decode(Tensor codes)
    {
        using var scope = NewDisposeScope();
        var table = tensor(Table);
        return table.index_select(0, codes.reshape(-1).to(ScalarType.Int32)).reshape(codes.shape)
            .MoveToOuterDisposeScope();
    }
}
