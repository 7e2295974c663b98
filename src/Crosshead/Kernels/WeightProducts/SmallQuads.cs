using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>Four blocks of <see cref="Weights.WeightFormat.Q4Zero"/>.</summary>
internal readonly unsafe struct Q4ZeroQuads : ISmallQuad
{
    public static int Bytes => Q4ZeroCodes.Bytes;

    public static bool IsCentered => true;

    public static bool HasMinimum => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Multiply(byte* w, long stride, Vector512<sbyte> first, Vector512<sbyte> second,
        out Vector512<int> halves)
    {
        byte* w1 = w + stride, w2 = w1 + stride, w3 = w2 + stride;
        // The scales of two rows at once, each twice.
        var scales = Vector512.Create(
            (ushort)0, 0, 32, 32, 0, 0, 32, 32, 9, 9, 41, 41, 9, 9, 41, 41,
            18, 18, 50, 50, 18, 18, 50, 50, 27, 27, 59, 59, 27, 27, 59, 59);
        halves = Avx512F.UnpackLow(
            Avx512BW.PermuteVar32x16x2(Vector512.Load((ushort*)w), scales, Vector512.Load((ushort*)w1)).AsInt64(),
            Avx512BW.PermuteVar32x16x2(Vector512.Load((ushort*)w2), scales, Vector512.Load((ushort*)w3)).AsInt64())
            .AsInt32();
        return QuadLanes.Sums(Row(w, first, second), Row(w1, first, second), Row(w2, first, second),
            Row(w3, first, second));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Row(byte* w, Vector512<sbyte> first, Vector512<sbyte> second)
    {
        var places = Vector512.Create((ushort)1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17,
            19, 20, 21, 22, 23, 24, 25, 26, 56, 57, 58, 59, 60, 61, 62, 63);
        var bytes = Avx512BW.PermuteVar32x16x2(Vector512.Load((ushort*)w), places, Vector512.Load((ushort*)(w + 8)));
        return QuadLanes.Halves(bytes.AsByte(), first, second);
    }
}

/// <summary>Four blocks of <see cref="Weights.WeightFormat.Q4One"/>.</summary>
internal readonly unsafe struct Q4OneQuads : ISmallQuad
{
    public static int Bytes => Q4OneCodes.Bytes;

    public static bool IsCentered => false;

    public static bool HasMinimum => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Multiply(byte* w, long stride, Vector512<sbyte> first, Vector512<sbyte> second,
        out Vector512<int> halves)
    {
        byte* w1 = w + stride, w2 = w1 + stride, w3 = w2 + stride;
        var places = Vector512.Create(0, 16, 0, 16, 5, 21, 5, 21, 10, 26, 10, 26, 15, 31, 15, 31);
        halves = Avx512F.UnpackLow(
            Avx512F.PermuteVar16x32x2(Vector512.Load((int*)w), places, Vector512.Load((int*)w1)).AsInt64(),
            Avx512F.PermuteVar16x32x2(Vector512.Load((int*)w2), places, Vector512.Load((int*)w3)).AsInt64()).AsInt32();
        return QuadLanes.Sums(Row(w, first, second), Row(w1, first, second), Row(w2, first, second),
            Row(w3, first, second));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Row(byte* w, Vector512<sbyte> first, Vector512<sbyte> second)
    {
        var places = Vector512.Create(1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14, 28, 29, 30, 31);
        var bytes = Avx512F.PermuteVar16x32x2(Vector512.Load((int*)w), places, Vector512.Load((int*)(w + 16)));
        return QuadLanes.Halves(bytes.AsByte(), first, second);
    }
}

/// <summary>Four blocks of <see cref="Weights.WeightFormat.Q8Zero"/>.</summary>
internal readonly unsafe struct Q8ZeroQuads : ISmallQuad
{
    public static int Bytes => Q8ZeroCodes.Bytes;

    /// <summary>The codes have their signs here.</summary>
    public static bool IsCentered => false;

    public static bool HasMinimum => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Multiply(byte* w, long stride, Vector512<sbyte> first, Vector512<sbyte> second,
        out Vector512<int> halves)
    {
        var a = Row(w, first, second, out var p);
        var b = Row(w + stride, first, second, out var q);
        var c = Row(w + (2 * stride), first, second, out var r);
        var d = Row(w + (3 * stride), first, second, out var s);
        halves = Avx512F.UnpackLow(Avx512F.UnpackLow(p, q).AsInt64(), Avx512F.UnpackLow(r, s).AsInt64()).AsInt32();
        return QuadLanes.Sums(a, b, c, d);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Row(byte* w, Vector512<sbyte> first, Vector512<sbyte> second,
        out Vector512<int> scales)
    {
        // Loads of 32 bytes bring the lines from memory; then those of 64 find them, and cost an instruction less each.
        var (a, b) = (HalfLoads.At(w).AsUInt16(), HalfLoads.At(w + 64).AsUInt16());
        var (c, d) = (Vector512.Load((ushort*)(w + 8)), Vector512.Load((ushort*)(w + 72)));
        scales = Avx512BW.PermuteVar32x16x2(a, Vector512.Create((ushort)0, 0, 0, 0, 0, 0, 0, 0,
            17, 17, 17, 17, 17, 17, 17, 17, 34, 34, 34, 34, 34, 34, 34, 34, 51, 51, 51, 51, 51, 51, 51, 51), b)
            .AsInt32();
        var low = Avx512BW.PermuteVar32x16x2(a, Vector512.Create((ushort)1, 2, 3, 4, 5, 6, 7, 8,
            18, 19, 20, 21, 22, 23, 24, 25, 35, 36, 37, 38, 39, 40, 41, 42, 52, 53, 54, 55, 56, 57, 58, 59), b);
        var high = Avx512BW.PermuteVar32x16x2(c, Vector512.Create((ushort)5, 6, 7, 8, 9, 10, 11, 12,
            22, 23, 24, 25, 26, 27, 28, 29, 39, 40, 41, 42, 43, 44, 45, 46, 56, 57, 58, 59, 60, 61, 62, 63), d);
        return Signed(low.AsSByte(), first) + Signed(high.AsSByte(), second);
    }

    // Magnitudes of codes, at most 128, times inputs, at most 127, with the codes' signs: two of them fit into 16 bits.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Signed(Vector512<sbyte> codes, Vector512<sbyte> inputs)
    {
        var signed = Vector512.ConditionalSelect(Vector512.LessThan(codes, Vector512<sbyte>.Zero), -inputs, inputs);
        return Avx512BW.MultiplyAddAdjacent(
            Avx512BW.MultiplyAddAdjacent(Avx512BW.Abs(codes), signed), Vector512<short>.One);
    }
}
