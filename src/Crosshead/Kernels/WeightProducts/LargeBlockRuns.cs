using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>Runs of <see cref="Weights.WeightFormat.Q4K"/>: d · scale · q − dmin · minimum.</summary>
internal readonly unsafe struct Q4KRun : IWeightRun
{
    public static int Columns => 32;

    public static int Bytes => 18;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* row, long run)
    {
        var block = row + (144 * (run >> 3));
        var sub = (int)run & 7;
        var (d, m) = KScales.Of(block, sub);
        var (shift, mask) = (4 * (sub & 1), Vector512.Create(15));
        var q = block + 16 + (32 * (sub >> 1));
        return ((d * Vector512.ConvertToSingle((Widened.Bytes(q) >>> shift) & mask)) - m,
            (d * Vector512.ConvertToSingle((Widened.Bytes(q + 16) >>> shift) & mask)) - m);
    }
}

/// <summary>Runs of <see cref="Weights.WeightFormat.Q5K"/>: as <see cref="Q4KRun"/>, with fifth bits.</summary>
internal readonly unsafe struct Q5KRun : IWeightRun
{
    public static int Columns => 32;

    public static int Bytes => 22;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* row, long run)
    {
        var block = row + (176 * (run >> 3));
        var sub = (int)run & 7;
        var (d, m) = KScales.Of(block, sub);
        var (first, second) = (Bits(block, sub, 0), Bits(block, sub, 16));
        return ((d * Vector512.ConvertToSingle(first)) - m, (d * Vector512.ConvertToSingle(second)) - m);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Bits(byte* block, int sub, int at)
    {
        var four = (Widened.Bytes(block + 48 + (32 * (sub >> 1)) + at) >>> (4 * (sub & 1))) & Vector512.Create(15);
        return four | (((Widened.Bytes(block + 16 + at) >>> sub) & Vector512<int>.One) << 4);
    }
}

/// <summary>Runs of <see cref="Weights.WeightFormat.Q6K"/>: d · scale · (q − 32).</summary>
internal readonly unsafe struct Q6KRun : IWeightRun
{
    public static int Columns => 32;

    public static int Bytes => 26;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* row, long run)
    {
        var block = row + (210 * (run >> 3));
        var sub = (int)run & 7;
        var d = Widened.Half(block + 208);
        var scales = (sbyte*)(block + 192 + (2 * sub));
        return (Numbers(block, sub, 0, d * scales[0]), Numbers(block, sub, 16, d * scales[1]));
    }

    // Four sub-blocks of 32 to each half of the block.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Numbers(byte* block, int sub, int at, float scale)
    {
        var (half, run) = (sub >> 2, sub & 3);
        var four = (Widened.Bytes(block + (64 * half) + (32 * (run & 1)) + at) >>> (4 * (run >> 1)))
            & Vector512.Create(15);
        var two = (Widened.Bytes(block + 128 + (32 * half) + at) >>> (2 * run)) & Vector512.Create(3);
        return Vector512.Create(scale) * Vector512.ConvertToSingle((four | (two << 4)) - Vector512.Create(32));
    }
}
