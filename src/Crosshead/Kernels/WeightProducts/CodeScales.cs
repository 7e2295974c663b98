using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>Scales and minima of sixteen rows.</summary>
internal static unsafe class CodeScales
{
    /// <summary>Stores the scales and minima of a block with one run.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> scales, Vector512<float> minima, float* to)
    {
        scales.Store(to);
        minima.Store(to + RowProducts.Lanes);
    }

    /// <summary>
    /// Those of Q4_K and Q5_K: halves d and dmin, then 12 bytes with eight scales and eight minima of 6 bits.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Large(byte* w, long stride, float* to)
    {
        var (halves, a, b, c) = CodeLanes.Words(w, stride);
        var d = CodeLanes.OfHalves(halves & Vector512.Create(0xffffu));
        var m = -CodeLanes.OfHalves(halves >>> 16);
        var (six, four, two) = (Vector512.Create(0x3fu), Vector512.Create(0x0fu), Vector512.Create(0x30u));
        for (var run = 0; run < 4; run++, to += RowProducts.Lanes)
        {
            (d * Single(a & six)).Store(to);
            (d * Single((c & four) | ((a >>> 2) & two))).Store(to + (4 * RowProducts.Lanes));
            (m * Single(b & six)).Store(to + (8 * RowProducts.Lanes));
            (m * Single(((c >>> 4) & four) | ((b >>> 2) & two))).Store(to + (12 * RowProducts.Lanes));
            (a, b, c) = (a >>> 8, b >>> 8, c >>> 8);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Single(Vector512<uint> codes) => Vector512.ConvertToSingle(codes.AsInt32());
}
