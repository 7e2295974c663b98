using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary><see cref="Weights.WeightFormat.Q4K"/>: d · scale · q − dmin · minimum.</summary>
internal readonly unsafe struct Q4KBlock : IWeightBlock
{
    public static int Bytes => 144;

    public static int Runs => 8;

    public static int Columns => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* block, float* scales) => KScales.Prepare(block, scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* block, int run, float* scales)
    {
        var (d, m) = (Vector512.Create(scales[run]), Vector512.Create(scales[run + 8]));
        return Nibbles.Looked(block + 16 + (32 * (run >> 1)), 4 * (run & 1), (d * Nibbles.Codes) - m);
    }
}

/// <summary><see cref="Weights.WeightFormat.Q5K"/>: as <see cref="Q4KBlock"/>, with fifth bits.</summary>
internal readonly unsafe struct Q5KBlock : IWeightBlock
{
    public static int Bytes => 176;

    public static int Runs => 8;

    public static int Columns => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* block, float* scales) => KScales.Prepare(block, scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* block, int run, float* scales)
    {
        var (d, m) = (Vector512.Create(scales[run]), Vector512.Create(scales[run + 8]));
        return ((d * Vector512.ConvertToSingle(Bits(block, run, 0))) - m,
            (d * Vector512.ConvertToSingle(Bits(block, run, 16))) - m);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Bits(byte* block, int run, int at)
    {
        var four = (Widened.Bytes(block + 48 + (32 * (run >> 1)) + at) >>> (4 * (run & 1))) & Vector512.Create(15);
        return four | (((Widened.Bytes(block + 16 + at) >>> run) & Vector512<int>.One) << 4);
    }
}

/// <summary><see cref="Weights.WeightFormat.Q6K"/>: d · scale · (q − 32).</summary>
internal readonly unsafe struct Q6KBlock : IWeightBlock
{
    public static int Bytes => 210;

    public static int Runs => 8;

    public static int Columns => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* block, float* scales)
    {
        var signed = Vector512.ConvertToSingle(Widened.SignedBytes((sbyte*)block + 192));
        (Vector512.Create(Halves.At(block + 208)) * signed).Store(scales);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* block, int run, float* scales)
    {
        return (Numbers(block, run, 0, scales[2 * run]), Numbers(block, run, 16, scales[(2 * run) + 1]));
    }

    // Four runs to each half of the block.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Numbers(byte* block, int run, int at, float scale)
    {
        var (half, quarter) = (run >> 2, run & 3);
        var four = (Widened.Bytes(block + (64 * half) + (32 * (quarter & 1)) + at) >>> (4 * (quarter >> 1)))
            & Vector512.Create(15);
        var two = (Widened.Bytes(block + 128 + (32 * half) + at) >>> (2 * quarter)) & Vector512.Create(3);
        return Vector512.Create(scale) * Vector512.ConvertToSingle((four | (two << 4)) - Vector512.Create(32));
    }
}
