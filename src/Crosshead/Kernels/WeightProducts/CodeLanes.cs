using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Crosshead.Runtime;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Operations on registers of codes and of the rows of a tile, one register of 512 bits or two of 256.
/// </summary>
internal static unsafe class CodeLanes
{
    /// <summary>Sixteen bytes of each of four rows.</summary>
    /// <param name="at">The bytes of the first row.</param>
    /// <param name="far">Bytes from row to row.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Four(byte* at, long far) => Join(
        Vector256.Create(Vector128.Load(at), Vector128.Load(at + far)),
        Vector256.Create(Vector128.Load(at + (2 * far)), Vector128.Load(at + (3 * far))));

    /// <summary>
    /// Sixteen bytes of sixteen rows in another order: the first four of all rows, the next four, and so on.
    /// </summary>
    /// <param name="a0">The bytes of rows 0, 4, 8 and 12.</param>
    /// <param name="a1">Those of rows 1, 5, 9 and 13.</param>
    /// <param name="a2">Those of rows 2, 6, 10 and 14.</param>
    /// <param name="a3">Those of rows 3, 7, 11 and 15.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<byte> W0, Vector512<byte> W1, Vector512<byte> W2, Vector512<byte> W3) Sixteen(
        Vector512<byte> a0, Vector512<byte> a1, Vector512<byte> a2, Vector512<byte> a3)
    {
        var (low01, low23) = (LowWords(a0, a1), LowWords(a2, a3));
        var (high01, high23) = (HighWords(a0, a1), HighWords(a2, a3));
        return (LowPairs(low01, low23), HighPairs(low01, low23), LowPairs(high01, high23), HighPairs(high01, high23));
    }

    /// <summary>
    /// The sixteen bytes at an address of each of sixteen rows, in the order of <see cref="Sixteen"/>.
    /// </summary>
    /// <param name="at">The bytes of the first row.</param>
    /// <param name="stride">Bytes from row to row.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<uint> W0, Vector512<uint> W1, Vector512<uint> W2, Vector512<uint> W3) Words(byte* at,
        long stride)
    {
        var far = 4 * stride;
        var (w0, w1, w2, w3) = Sixteen(Four(at, far), Four(at + stride, far), Four(at + (2 * stride), far),
            Four(at + (3 * stride), far));
        return (w0.AsUInt32(), w1.AsUInt32(), w2.AsUInt32(), w3.AsUInt32());
    }

    /// <summary>Two bytes of each of sixteen rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Shorts(byte* at, long stride) => Join(
        Avx2.ConvertToVector256Int32(Eight(at, stride)).AsByte(),
        Avx2.ConvertToVector256Int32(Eight(at + (8 * stride), stride)).AsByte()).AsUInt32();

    /// <summary>A number of half precision of each of sixteen rows, as float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Halves(byte* at, long stride) => OfHalves(Shorts(at, stride));

    /// <summary>Numbers of half precision, each in the lower half of its lane, as float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> OfHalves(Vector512<uint> bits) =>
        (((bits & Vector512.Create(0x7fffu)) << 13).AsSingle() * Vector512.Create(Widened.HalfBias))
        | ((bits & Vector512.Create(0x8000u)) << 16).AsSingle();

    /// <summary>Bytes of each quarter in another order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Shuffle(Vector512<byte> bytes, Vector512<byte> places) => CpuVectors.Are512Bits
        ? Avx512BW.Shuffle(bytes, places)
        : Vector512.Create(Avx2.Shuffle(bytes.GetLower(), places.GetLower()),
            Avx2.Shuffle(bytes.GetUpper(), places.GetUpper()));

    /// <summary>Sums of two neighbouring products of codes with inputs of 8 bits, in 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Pairs(Vector512<byte> codes, Vector512<sbyte> inputs) => CpuVectors.Are512Bits
        ? Avx512BW.MultiplyAddAdjacent(codes, inputs)
        : Vector512.Create(Avx2.MultiplyAddAdjacent(codes.GetLower(), inputs.GetLower()),
            Avx2.MultiplyAddAdjacent(codes.GetUpper(), inputs.GetUpper()));

    /// <summary>Sums of two neighbours, each times a factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Fours(Vector512<short> pairs, short factor) => CpuVectors.Are512Bits
        ? Avx512BW.MultiplyAddAdjacent(pairs, Vector512.Create(factor))
        : Vector512.Create(Avx2.MultiplyAddAdjacent(pairs.GetLower(), Vector256.Create(factor)),
            Avx2.MultiplyAddAdjacent(pairs.GetUpper(), Vector256.Create(factor)));

    // Vector512.Create keeps what its register held before, which makes a loop wait for itself.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Join(Vector256<byte> lower, Vector256<byte> upper) => CpuVectors.Are512Bits
        ? Avx512F.InsertVector256(lower.ToVector512Unsafe(), upper, 1)
        : Vector512.Create(lower, upper);

    // Two bytes of each of eight rows.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ushort> Eight(byte* at, long stride)
    {
        var eight = Vector128.CreateScalarUnsafe(*(uint*)at).AsUInt16();
        eight = Sse2.Insert(eight, *(ushort*)(at + stride), 1);
        eight = Sse2.Insert(eight, *(ushort*)(at + (2 * stride)), 2);
        eight = Sse2.Insert(eight, *(ushort*)(at + (3 * stride)), 3);
        at += 4 * stride;
        eight = Sse2.Insert(eight, *(ushort*)at, 4);
        eight = Sse2.Insert(eight, *(ushort*)(at + stride), 5);
        eight = Sse2.Insert(eight, *(ushort*)(at + (2 * stride)), 6);
        return Sse2.Insert(eight, *(ushort*)(at + (3 * stride)), 7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> LowWords(Vector512<byte> a, Vector512<byte> b) => CpuVectors.Are512Bits
        ? Avx512F.UnpackLow(a.AsUInt32(), b.AsUInt32()).AsUInt64()
        : Vector512.Create(Avx2.UnpackLow(a.GetLower().AsUInt32(), b.GetLower().AsUInt32()),
            Avx2.UnpackLow(a.GetUpper().AsUInt32(), b.GetUpper().AsUInt32())).AsUInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> HighWords(Vector512<byte> a, Vector512<byte> b) => CpuVectors.Are512Bits
        ? Avx512F.UnpackHigh(a.AsUInt32(), b.AsUInt32()).AsUInt64()
        : Vector512.Create(Avx2.UnpackHigh(a.GetLower().AsUInt32(), b.GetLower().AsUInt32()),
            Avx2.UnpackHigh(a.GetUpper().AsUInt32(), b.GetUpper().AsUInt32())).AsUInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> LowPairs(Vector512<ulong> a, Vector512<ulong> b) => CpuVectors.Are512Bits
        ? Avx512F.UnpackLow(a, b).AsByte()
        : Vector512.Create(Avx2.UnpackLow(a.GetLower(), b.GetLower()), Avx2.UnpackLow(a.GetUpper(), b.GetUpper()))
            .AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> HighPairs(Vector512<ulong> a, Vector512<ulong> b) => CpuVectors.Are512Bits
        ? Avx512F.UnpackHigh(a, b).AsByte()
        : Vector512.Create(Avx2.UnpackHigh(a.GetLower(), b.GetLower()), Avx2.UnpackHigh(a.GetUpper(), b.GetUpper()))
            .AsByte();
}
