using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// A run of <see cref="CodeProducts{T}"/> on processors with registers of 256 bits, which are too few for its codes.
/// They stay in memory, and eight of the sixteen rows are multiplied at a time. The sums have the same bits.
/// </summary>
internal static unsafe class NarrowTile
{
    /// <summary>Bytes of the codes of a run.</summary>
    public const int Bytes = 8 * Register;

    private const int Lanes = RowProducts.Lanes, Register = 64;

    /// <summary>Stores codes: [8, 16, 4].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* codes, Vector512<byte> c0, Vector512<byte> c1, Vector512<byte> c2,
        Vector512<byte> c3, Vector512<byte> c4, Vector512<byte> c5, Vector512<byte> c6, Vector512<byte> c7)
    {
        c0.Store(codes);
        c1.Store(codes + Register);
        c2.Store(codes + (2 * Register));
        c3.Store(codes + (3 * Register));
        c4.Store(codes + (4 * Register));
        c5.Store(codes + (5 * Register));
        c6.Store(codes + (6 * Register));
        c7.Store(codes + (7 * Register));
    }

    /// <summary>Multiplies eight rows by all vectors.</summary>
    /// <param name="codes">[8, 16, 4]: codes of the run, from the first of the rows on.</param>
    /// <param name="scales">[groups, 2, 16]: scales and minima from the first of the rows on.</param>
    /// <param name="records">The vectors.</param>
    /// <param name="last">The end of the vectors.</param>
    /// <param name="sums">[vectors, 16], from the first of the rows on; added to.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<T>(byte* codes, float* scales, byte* records, byte* last, float* sums)
        where T : unmanaged, ICodeBlock
    {
        for (; records < last; records += InputCodes.RecordBytes, sums += Lanes)
        {
            var numbers = (float*)(records + InputCodes.Columns);
            if (T.Bits == 8)
            {
                var low = Four(codes, records, 0, high: false) + Four(codes, records, 4, high: false);
                var high = Four(codes, records, 0, high: true) + Four(codes, records, 4, high: true);
                Add(sums, Fours(low, 1) + Fours(high, 16), scales, numbers, 0);
            }
            else if (T.Groups == 2)
            {
                Add(sums, Two(codes, records, 0) + Two(codes, records, 2), scales, numbers, 1);
                Add(sums, Two(codes, records, 4) + Two(codes, records, 6), scales + (2 * Lanes), numbers, 2);
            }
            else
            {
                var (first, second) = (Four(codes, records, 0, whole: true), Four(codes, records, 4, whole: true));
                Add(sums, T.Bits == 4 ? Fours(first + second, 1) : Fours(first, 1) + Fours(second, 1), scales, numbers,
                    0);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* sums, Vector256<int> products, float* scales, float* numbers, int codes)
    {
        var total = Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(products),
            Vector256.Load(scales) * Vector256.Create(numbers[0]), Vector256.Load(sums));
        Vector256.FusedMultiplyAdd(Vector256.Load(scales + Lanes), Vector256.Create(numbers[1 + codes]), total)
            .Store(sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Fours(Vector256<short> pairs, short factor) =>
        Avx2.MultiplyAddAdjacent(pairs, Vector256.Create(factor));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Two(byte* codes, byte* x, int index) =>
        Fours(Pairs(codes, x, index) + Pairs(codes, x, index + 1), 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Four(byte* codes, byte* x, int index, bool whole = false, bool high = false) =>
        (Pairs(codes, x, index, whole, high) + Pairs(codes, x, index + 1, whole, high))
            + (Pairs(codes, x, index + 2, whole, high) + Pairs(codes, x, index + 3, whole, high));

    // Codes of 8 bits are two of 4 bits.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Pairs(byte* codes, byte* x, int index, bool whole = true, bool high = false)
    {
        var code = Vector256.Load(codes + (index * Register));
        if (high) code = (code.AsUInt16() >>> 4).AsByte();
        if (!whole) code &= Vector256.Create((byte)15);
        return Avx2.MultiplyAddAdjacent(code, Vector256.Create(((int*)x)[index]).AsSByte());
    }
}
