using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary><see cref="Weights.WeightFormat.F8"/>: d · q.</summary>
internal readonly unsafe struct F8Block : IWeightBlock
{
    private const int DroppedBits = 20; // of float32's fraction
    private const int KeptBits = unchecked((int)0x87f00000);
    private const float Unshift = 1.329228e36f; // 2^120, between the exponents of float32 and of 8 bits

    public static int Bytes => 36;

    public static int Runs => 1;

    public static int Columns => 32;

    public static void Prepare(byte* block, float* scales)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* block, int run, float* scales)
    {
        var d = Vector512.Create(*(float*)block);
        var q = (sbyte*)(block + sizeof(float));
        return (d * Numbers(q), d * Numbers(q + 16));
    }

    // The sign is extended, and the exponent is 120 too small; small numbers are float32's subnormal numbers.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Numbers(sbyte* q) =>
        ((Widened.SignedBytes(q) << DroppedBits) & Vector512.Create(KeptBits)).AsSingle() * Unshift;
}
