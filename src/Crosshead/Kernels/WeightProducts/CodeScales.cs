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
        // A byte of each lane for each of four runs, and the place of the first: what is no place becomes 0.
        var (six, four, two) = (Vector512.Create(0x3f3f3f3fu), Vector512.Create(0x0f0f0f0fu),
            Vector512.Create(0x30303030u));
        var (low, high) = (a & six, (c & four) | ((a >>> 2) & two));
        var (lowMinima, highMinima) = (b & six, ((c >>> 4) & four) | ((b >>> 2) & two));
        var places = Vector512.Create(
            0xffffff00u, 0xffffff04, 0xffffff08, 0xffffff0c, 0xffffff00, 0xffffff04, 0xffffff08, 0xffffff0c,
            0xffffff00, 0xffffff04, 0xffffff08, 0xffffff0c, 0xffffff00, 0xffffff04, 0xffffff08, 0xffffff0c);
        for (var run = 0; run < 4; run++, to += RowProducts.Lanes, places += Vector512<uint>.One)
        {
            (d * Single(low, places)).Store(to);
            (d * Single(high, places)).Store(to + (4 * RowProducts.Lanes));
            (m * Single(lowMinima, places)).Store(to + (8 * RowProducts.Lanes));
            (m * Single(highMinima, places)).Store(to + (12 * RowProducts.Lanes));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Single(Vector512<uint> codes, Vector512<uint> places) =>
        Vector512.ConvertToSingle(CodeLanes.Shuffle(codes.AsByte(), places.AsByte()).AsInt32());
}
