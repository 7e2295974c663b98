using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary><see cref="Weights.WeightFormat.Mxfp4"/>: 2^(e − 127) times one of 16 values.</summary>
internal readonly unsafe struct Mxfp4Block : IWeightBlock
{
    public static int Bytes => 17;

    public static int Runs => 1;

    public static int Columns => 32;

    private static Vector512<float> Values
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512.Create(0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0f, -0.5f, -1, -1.5f, -2, -3, -4, -6);
    }

    public static void Prepare(byte* block, float* scales)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* block, int run, float* scales)
    {
        // Two powers, because one alone may be too small or too large for single precision when the product is not.
        var (first, second) = (block[0] >> 1, block[0] - (block[0] >> 1));
        return Nibbles.Looked(block + 1,
            Values * Vector512.Create(Power(first + 63)) * Vector512.Create(Power(second + 64)));
    }

    // A power of two by the bits of its exponent.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Power(int exponent) => BitConverter.Int32BitsToSingle(exponent << 23);
}
