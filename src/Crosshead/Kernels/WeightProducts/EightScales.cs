using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Scales of half precision of eight neighbouring blocks of sixteen rows, by a processor with AVX-512: wide loads and
/// permutations take a third of the instructions that one scale after the other does.
/// </summary>
internal static unsafe class EightScales
{
    /// <summary>Blocks that are read at once.</summary>
    public const int Blocks = 8;

    private const int Lanes = RowProducts.Lanes;

    /// <summary>Whether blocks can be read: they begin with a scale, and their next bytes may be read too.</summary>
    /// <param name="bytes">Bytes of a block.</param>
    public static bool CanRead(int bytes) => bytes is 18 or 34;

    /// <summary>Stores the scales of eight blocks of sixteen rows.</summary>
    /// <param name="w">Address of the first block in the first row.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="bytes">Bytes of a block, which <see cref="CanRead"/> accepts.</param>
    /// <param name="to">[8, 16]; receives the scales.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* w, long stride, int bytes, float* to)
    {
        var (a, b) = (FourRows(w, stride, bytes), FourRows(w + stride, stride, bytes));
        var (c, d) = (FourRows(w + (2 * stride), stride, bytes), FourRows(w + (3 * stride), stride, bytes));
        // Of rows 4i … 4i + 3 in quarter i: four scales of a block, then those of the next.
        var (ab, cd) = (Avx512BW.UnpackLow(a, b).AsUInt32(), Avx512BW.UnpackLow(c, d).AsUInt32());
        StoreTwo(Avx512F.UnpackLow(ab, cd), to);
        StoreTwo(Avx512F.UnpackHigh(ab, cd), to + (2 * Lanes));
        (ab, cd) = (Avx512BW.UnpackHigh(a, b).AsUInt32(), Avx512BW.UnpackHigh(c, d).AsUInt32());
        StoreTwo(Avx512F.UnpackLow(ab, cd), to + (4 * Lanes));
        StoreTwo(Avx512F.UnpackHigh(ab, cd), to + (6 * Lanes));
    }

    // The scales of four rows, each four rows from the last: those of a row in a quarter.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ushort> FourRows(byte* w, long stride, int bytes)
    {
        const ulong all = ulong.MaxValue;
        var far = 4 * stride;
        var rows = Row(w, bytes);
        rows = Vector512.ConditionalSelect(Vector512.Create(0, 0, all, all, 0, 0, 0, 0), Row(w + far, bytes), rows);
        rows = Vector512.ConditionalSelect(Vector512.Create(0, 0, 0, 0, all, all, 0, 0), Row(w + (2 * far), bytes),
            rows);
        return Vector512.ConditionalSelect(Vector512.Create(0, 0, 0, 0, 0, 0, all, all), Row(w + (3 * far), bytes),
            rows).AsUInt16();
    }

    // The eight scales of a row, in each quarter.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Row(byte* w, int bytes)
    {
        if (bytes == 18) // all of them lie within 128 bytes
            return Words(w, Vector512.Create(
                (ushort)0, 9, 18, 27, 36, 45, 54, 63, 0, 9, 18, 27, 36, 45, 54, 63,
                0, 9, 18, 27, 36, 45, 54, 63, 0, 9, 18, 27, 36, 45, 54, 63));
        const ulong all = ulong.MaxValue;
        var places = Vector512.Create(
            (ushort)0, 17, 34, 51, 0, 17, 34, 51, 0, 17, 34, 51, 0, 17, 34, 51,
            0, 17, 34, 51, 0, 17, 34, 51, 0, 17, 34, 51, 0, 17, 34, 51);
        return Vector512.ConditionalSelect(Vector512.Create(all, 0, all, 0, all, 0, all, 0), Words(w, places),
            Words(w + (4 * bytes), places));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Words(byte* w, Vector512<ushort> places) => Avx512BW.PermuteVar32x16x2(
        Vector512.Load((ushort*)w), places, Vector512.Load((ushort*)(w + 64))).AsUInt64();

    // Each quarter has four scales of a block and four of the next.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreTwo(Vector512<uint> halves, float* to)
    {
        const byte no = 0xff;
        StoreOne(halves, Vector128.Create(no, no, 0, 1, no, no, 2, 3, no, no, 4, 5, no, no, 6, 7), to);
        StoreOne(halves, Vector128.Create(no, no, 8, 9, no, no, 10, 11, no, no, 12, 13, no, no, 14, 15), to + Lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreOne(Vector512<uint> halves, Vector128<byte> places, float* to)
    {
        var two = Vector256.Create(places, places);
        var upper = Avx512BW.Shuffle(halves.AsByte(), Vector512.Create(two, two)).AsInt32();
        // The sign goes along: a product with a power of two has it too.
        (((upper >> 3) & Vector512.Create(unchecked((int)0x8fffe000))).AsSingle()
            * Vector512.Create(Widened.HalfBias)).Store(to);
    }
}
