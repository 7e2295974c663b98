using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>Operations on registers of 512 bits whose quarters belong to four runs. They need AVX-512.</summary>
internal static unsafe class QuadLanes
{
    /// <summary>Sums within the quarters of four rows: [quarters, rows], at most 32,767 each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Sums(Vector512<short> p0, Vector512<short> p1, Vector512<short> p2,
        Vector512<short> p3)
    {
        var sums = Twos(Fours(p0, p1).AsInt64(), Fours(p2, p3).AsInt64());
        return Avx512BW.MultiplyAddAdjacent(sums, Vector512<short>.One);
    }

    /// <summary>The same for sums of which only two, four or eight apart, fit into 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> LargeSums(Vector512<short> p0, Vector512<short> p1, Vector512<short> p2,
        Vector512<short> p3)
    {
        var a = Avx512BW.MultiplyAddAdjacent(Fours(p0, p1), Vector512<short>.One).AsInt64();
        var b = Avx512BW.MultiplyAddAdjacent(Fours(p2, p3), Vector512<short>.One).AsInt64();
        return Avx512F.UnpackLow(a, b).AsInt32() + Avx512F.UnpackHigh(a, b).AsInt32();
    }

    /// <summary>The same for sums of 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Sums(Vector512<int> p0, Vector512<int> p1, Vector512<int> p2, Vector512<int> p3)
    {
        var a = (Avx512F.UnpackLow(p0, p1) + Avx512F.UnpackHigh(p0, p1)).AsInt64();
        var b = (Avx512F.UnpackLow(p2, p3) + Avx512F.UnpackHigh(p2, p3)).AsInt64();
        return Avx512F.UnpackLow(a, b).AsInt32() + Avx512F.UnpackHigh(a, b).AsInt32();
    }

    /// <summary>Quarters [4 rows] of four registers, in which the registers become the quarters.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Turn(ref Vector512<int> a, ref Vector512<int> b, ref Vector512<int> c, ref Vector512<int> d)
    {
        var (ab, ba) = (Avx512F.Shuffle4x128(a, b, 0b01_00_01_00), Avx512F.Shuffle4x128(a, b, 0b11_10_11_10));
        var (cd, dc) = (Avx512F.Shuffle4x128(c, d, 0b01_00_01_00), Avx512F.Shuffle4x128(c, d, 0b11_10_11_10));
        a = Avx512F.Shuffle4x128(ab, cd, 0b10_00_10_00);
        b = Avx512F.Shuffle4x128(ab, cd, 0b11_01_11_01);
        c = Avx512F.Shuffle4x128(ba, dc, 0b10_00_10_00);
        d = Avx512F.Shuffle4x128(ba, dc, 0b11_01_11_01);
    }

    /// <summary>Products of the lower halves of bytes with inputs, and of the upper halves with others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Halves(Vector512<byte> bytes, Vector512<sbyte> lower, Vector512<sbyte> upper)
    {
        var four = Vector512.Create((byte)15);
        return Avx512BW.MultiplyAddAdjacent(bytes & four, lower)
            + Avx512BW.MultiplyAddAdjacent((bytes.AsUInt16() >>> 4).AsByte() & four, upper);
    }

    /// <summary>Two pieces of 32 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<sbyte> Two(byte* first, byte* second) => Avx512F.InsertVector256(
        Vector256.Load((sbyte*)first).ToVector512Unsafe(), Vector256.Load((sbyte*)second), 1);

    /// <summary>A piece of 32 bytes, twice.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Twice(byte* piece)
    {
        // .NET 10.0.12 reads a wrong address if BroadcastVector256ToVector512 gets one with an offset.
        var bytes = Vector256.Load(piece).ToVector512Unsafe();
        return Avx512F.Shuffle4x128(bytes.AsInt32(), bytes.AsInt32(), 0b01_00_01_00).AsByte();
    }

    /// <summary>Shifts of the words of the lower and of the upper half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<ushort> Shifts(ulong lower, ulong upper)
    {
        const ulong Words = 0x0001_0001_0001_0001;
        return Vector512.Create(lower * Words, lower * Words, lower * Words, lower * Words, upper * Words,
            upper * Words, upper * Words, upper * Words).AsUInt16();
    }

    /// <summary>Numbers of half precision in the upper halves of lanes, as float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> UpperHalves(Vector512<int> lanes) =>
        (Avx512F.ShiftRightArithmetic(lanes, 3) & Vector512.Create(unchecked((int)0x8fff_e000))).AsSingle()
        * Vector512.Create(Widened.HalfBias);

    // Sums of words two apart: in each quarter those of both rows in turn.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Fours(Vector512<short> a, Vector512<short> b) =>
        Avx512F.UnpackLow(a.AsInt32(), b.AsInt32()).AsInt16() + Avx512F.UnpackHigh(a.AsInt32(), b.AsInt32()).AsInt16();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Twos(Vector512<long> a, Vector512<long> b) =>
        Avx512F.UnpackLow(a, b).AsInt16() + Avx512F.UnpackHigh(a, b).AsInt16();
}
