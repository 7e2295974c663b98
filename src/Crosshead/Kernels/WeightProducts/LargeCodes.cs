using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>Codes of <see cref="Weights.WeightFormat.Q4K"/>: d · scale · q − dmin · minimum.</summary>
internal readonly unsafe struct Q4KCodes : ICodeBlock
{
    public static int Bytes => 144;

    public static int Runs => 8;

    public static int Bits => 4;

    public static int Center => 0;

    public static int Groups => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* w, long stride, float* scales) => CodeScales.Large(w, stride, scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<byte> First, Vector512<byte> Second) Load(byte* w, long far, int run) =>
        CodeNibbles.Load(w + 16 + (32 * (run >> 1)), far, 4 * (run & 1));
}

/// <summary>Codes of <see cref="Weights.WeightFormat.Q5K"/>: as <see cref="Q4KCodes"/>, with fifth bits.</summary>
internal readonly unsafe struct Q5KCodes : ICodeBlock
{
    public static int Bytes => 176;

    public static int Runs => 8;

    public static int Bits => 5;

    public static int Center => 0;

    public static int Groups => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* w, long stride, float* scales) => CodeScales.Large(w, stride, scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<byte> First, Vector512<byte> Second) Load(byte* w, long far, int run)
    {
        var (first, second) = CodeNibbles.Load(w + 48 + (32 * (run >> 1)), far, 4 * (run & 1));
        return (first | Fifth(w + 16, far, run), second | Fifth(w + 32, far, run));
    }

    // Bit r of a byte belongs to run r.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Fifth(byte* at, long far, int run) =>
        (((CodeLanes.Four(at, far).AsUInt16() >>> run) & Vector512.Create((ushort)0x0101)) << 4).AsByte();
}

/// <summary>Codes of <see cref="Weights.WeightFormat.Q6K"/>: d · scale · (q − 32).</summary>
internal readonly unsafe struct Q6KCodes : ICodeBlock
{
    public static int Bytes => 210;

    public static int Runs => 8;

    public static int Bits => 6;

    public static int Center => 32;

    public static int Groups => 2;

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Prepare(byte* w, long stride, float* scales)
    {
        var d = CodeLanes.Halves(w + 208, stride);
        var (w0, w1, w2, w3) = CodeLanes.Words(w + 192, stride);
        Four(d, w0.AsInt32(), scales);
        Four(d, w1.AsInt32(), scales + (4 * RowProducts.Lanes));
        Four(d, w2.AsInt32(), scales + (8 * RowProducts.Lanes));
        Four(d, w3.AsInt32(), scales + (12 * RowProducts.Lanes));
    }

    // Four runs to each half of the block.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<byte> First, Vector512<byte> Second) Load(byte* w, long far, int run)
    {
        var (half, quarter) = (run >> 2, run & 3);
        byte* four = w + (64 * half) + (32 * (quarter & 1)), two = w + 128 + (32 * half);
        return (Six(four, two, far, quarter), Six(four + 16, two + 16, far, quarter));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Six(byte* four, byte* two, long far, int quarter)
    {
        var low = (CodeLanes.Four(four, far).AsUInt16() >>> (4 * (quarter >> 1))) & Vector512.Create((ushort)0x0f0f);
        var high = (CodeLanes.Four(two, far).AsUInt16() >>> (2 * quarter)) & Vector512.Create((ushort)0x0303);
        return (low | (high << 4)).AsByte();
    }

    // The scales in the four bytes of each row.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Four(Vector512<float> d, Vector512<int> bytes, float* scales)
    {
        (d * Vector512.ConvertToSingle(bytes << 24 >> 24)).Store(scales);
        (d * Vector512.ConvertToSingle(bytes << 16 >> 24)).Store(scales + RowProducts.Lanes);
        (d * Vector512.ConvertToSingle(bytes << 8 >> 24)).Store(scales + (2 * RowProducts.Lanes));
        (d * Vector512.ConvertToSingle(bytes >> 24)).Store(scales + (3 * RowProducts.Lanes));
    }
}
