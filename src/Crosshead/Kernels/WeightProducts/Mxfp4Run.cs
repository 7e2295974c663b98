using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Crosshead.Runtime;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>Runs of <see cref="Weights.WeightFormat.Mxfp4"/>: 2^(e − 127) times one of 16 values.</summary>
internal readonly unsafe struct Mxfp4Run : IWeightRun
{
    public static int Columns => 32;

    public static int Bytes => 17;

    private static Vector256<float> Positive => Vector256.Create(0f, 0.5f, 1, 1.5f, 2, 3, 4, 6);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* row, long run)
    {
        var block = row + (17 * run);
        // Two powers, because one alone may be too small or too large for single precision when the product is not.
        var e = (int)block[0];
        var (half, rest) = (e >> 1, e - (e >> 1));
        var (first, second) = (Vector512.Create(Power(half + 63)), Vector512.Create(Power(rest + 64)));
        var (low, high) = Nibbles.Of(block + 1);
        return (Values(low) * first * second, Values(high) * first * second);
    }

    // A power of two by the bits of its exponent.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Power(int exponent) => BitConverter.Int32BitsToSingle(exponent << 23);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Values(Vector512<int> codes)
    {
        var sign = ((codes & Vector512.Create(8)) << 28).AsSingle();
        if (CpuVectors.Are512Bits)
            return sign | Avx512F.PermuteVar16x32(Vector512.Create(Positive, Positive), codes & Vector512.Create(7));
        var magnitudes = codes & Vector512.Create(7);
        return sign | Vector512.Create(Avx2.PermuteVar8x32(Positive, magnitudes.GetLower()),
            Avx2.PermuteVar8x32(Positive, magnitudes.GetUpper()));
    }
}
