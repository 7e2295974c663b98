using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>Half a block of <see cref="Weights.WeightFormat.Q4K"/>.</summary>
internal readonly unsafe struct Q4KQuads : ILargeQuad
{
    public static int Bytes => Q4KCodes.Bytes;

    public static int Groups => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* w, long stride, float* scales) => CodeScales.Large(w, stride, scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<sbyte> First, Vector512<sbyte> Second) Inputs(byte* records) => Alternating(records);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Multiply(byte* w, long stride, int half, Vector512<sbyte> first,
        Vector512<sbyte> second, out Vector512<int> more)
    {
        more = default;
        w += 16 + (64 * half);
        return QuadLanes.Sums(Row(w, first, second), Row(w + stride, first, second),
            Row(w + (2 * stride), first, second), Row(w + (3 * stride), first, second));
    }

    /// <summary>Runs 0 and 2, whose codes are in lower halves of bytes, and runs 1 and 3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static (Vector512<sbyte> First, Vector512<sbyte> Second) Alternating(byte* records) => (
        QuadLanes.Two(records, records + (2 * InputCodes.RecordBytes)),
        QuadLanes.Two(records + InputCodes.RecordBytes, records + (3 * InputCodes.RecordBytes)));

    /// <summary>The products of both, as [4 runs, 16 bytes].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<short> InOrder(Vector512<short> even, Vector512<short> odd) =>
        Avx512F.PermuteVar8x64x2(even.AsInt64(), Vector512.Create(0L, 1, 8, 9, 4, 5, 12, 13), odd.AsInt64()).AsInt16()
        + Avx512F.PermuteVar8x64x2(even.AsInt64(), Vector512.Create(2L, 3, 10, 11, 6, 7, 14, 15), odd.AsInt64())
            .AsInt16();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Row(byte* w, Vector512<sbyte> first, Vector512<sbyte> second)
    {
        var (bytes, four) = (Vector512.Load(w), Vector512.Create((byte)15));
        return InOrder(Avx512BW.MultiplyAddAdjacent(bytes & four, first),
            Avx512BW.MultiplyAddAdjacent((bytes.AsUInt16() >>> 4).AsByte() & four, second));
    }
}

/// <summary>Half a block of <see cref="Weights.WeightFormat.Q5K"/>.</summary>
internal readonly unsafe struct Q5KQuads : ILargeQuad
{
    public static int Bytes => Q5KCodes.Bytes;

    public static int Groups => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* w, long stride, float* scales) => CodeScales.Large(w, stride, scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<sbyte> First, Vector512<sbyte> Second) Inputs(byte* records) =>
        Q4KQuads.Alternating(records);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Multiply(byte* w, long stride, int half, Vector512<sbyte> first,
        Vector512<sbyte> second, out Vector512<int> more)
    {
        more = default;
        return QuadLanes.LargeSums(Row(w, half, first, second), Row(w + stride, half, first, second),
            Row(w + (2 * stride), half, first, second), Row(w + (3 * stride), half, first, second));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Row(byte* w, int half, Vector512<sbyte> first, Vector512<sbyte> second)
    {
        var (bytes, four) = (Vector512.Load(w + 48 + (64 * half)), Vector512.Create((byte)15));
        // Bit r of a byte belongs to run r; the runs of this half become bits 0 … 3.
        var fifths = QuadLanes.Twice(w + 16).AsUInt16() >>> (4 * half);
        var place = Vector512.Create((byte)16);
        var even = Avx512BW.ShiftLeftLogicalVariable(fifths, QuadLanes.Shifts(4, 2)).AsByte() & place;
        var odd = Avx512BW.ShiftLeftLogicalVariable(fifths, QuadLanes.Shifts(3, 1)).AsByte() & place;
        return Q4KQuads.InOrder(Avx512BW.MultiplyAddAdjacent((bytes & four) | even, first),
            Avx512BW.MultiplyAddAdjacent(((bytes.AsUInt16() >>> 4).AsByte() & four) | odd, second));
    }
}

/// <summary>Half a block of <see cref="Weights.WeightFormat.Q6K"/>.</summary>
internal readonly unsafe struct Q6KQuads : ILargeQuad
{
    public static int Bytes => Q6KCodes.Bytes;

    public static int Groups => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* w, long stride, float* scales) => Q6KCodes.Prepare(w, stride, scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<sbyte> First, Vector512<sbyte> Second) Inputs(byte* records) => (
        QuadLanes.Two(records, records + InputCodes.RecordBytes),
        QuadLanes.Two(records + (2 * InputCodes.RecordBytes), records + (3 * InputCodes.RecordBytes)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Multiply(byte* w, long stride, int half, Vector512<sbyte> first,
        Vector512<sbyte> second, out Vector512<int> more)
    {
        var (a, b) = Row(w, half, first, second);
        var (c, d) = Row(w + stride, half, first, second);
        var (e, f) = Row(w + (2 * stride), half, first, second);
        var (g, h) = Row(w + (3 * stride), half, first, second);
        more = QuadLanes.LargeSums(b, d, f, h);
        return QuadLanes.LargeSums(a, c, e, g);
    }

    // The products of the first two runs, and of the others.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<short> First, Vector512<short> Second) Row(byte* w, int half, Vector512<sbyte> first,
        Vector512<sbyte> second)
    {
        var (bytes, four) = (Vector512.Load(w + (64 * half)), Vector512.Create((byte)15));
        // Bits 2 r and 2 r + 1 of a byte belong to run r. They become bits 4 and 5.
        var pairs = QuadLanes.Twice(w + 128 + (32 * half)).AsUInt16();
        var places = Vector512.Create((byte)0x30);
        var low = Avx512BW.ShiftLeftLogicalVariable(pairs, QuadLanes.Shifts(4, 2)).AsByte() & places;
        var high = Avx512BW.ShiftRightLogicalVariable(pairs, QuadLanes.Shifts(0, 2)).AsByte() & places;
        return (Avx512BW.MultiplyAddAdjacent((bytes & four) | low, first),
            Avx512BW.MultiplyAddAdjacent(((bytes.AsUInt16() >>> 4).AsByte() & four) | high, second));
    }
}
