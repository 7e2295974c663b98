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

    /// <summary>Reads the codes of a run in sixteen rows.</summary>
    /// <param name="w">Address of the block in the first row.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="run">Index of the run in the block.</param>
    /// <param name="codes">[8, 16, 4]; receives the codes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Read<T>(byte* w, long stride, int run, byte* codes) where T : unmanaged, ICodeBlock
    {
        for (var i = 0; i < 4; i++)
        {
            var (first, second) = T.Load(w + (i * stride), 4 * stride, run);
            first.Store(codes + (i * Register));
            second.Store(codes + ((4 + i) * Register));
        }
        Turn(codes);
        Turn(codes + (4 * Register));
    }

    /// <summary>Multiplies eight rows by all vectors.</summary>
    /// <param name="codes">[8, 16, 4]: codes of the run, from the first of the rows on.</param>
    /// <param name="scales">As <see cref="ICodeBlock.Prepare"/> wrote them, from the run and the first of the rows on.
    /// </param>
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
            var d = Vector256.Create(numbers[0]);
            var sum = Vector256.Load(sums);
            if (T.Groups == 2)
            {
                sum = Add(sum, Half(codes, records, 0, ((int*)numbers)[2]), scales, d);
                sum = Add(sum, Half(codes, records, 4, ((int*)numbers)[3]), scales + Lanes, d);
            }
            else
            {
                var products = AvxVnni.IsSupported ? Eight(codes, records) : Run<T>(codes, records);
                if (T.Center > 0) products += Vector256.Create(((int*)numbers)[1]);
                sum = Add(sum, products, scales, d);
                if (T.Center == 0)
                    sum = Vector256.FusedMultiplyAdd(Vector256.Load(scales + (T.Runs * Lanes)),
                        Vector256.Create(numbers[1]), sum);
            }
            sum.Store(sums);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Add(Vector256<float> sum, Vector256<int> products, float* scales,
        Vector256<float> d) =>
        Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(products), Vector256.Load(scales) * d, sum);

    // 16 columns of codes with up to 7 bits.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Half(byte* codes, byte* x, int index, int center)
    {
        var products = AvxVnni.IsSupported ? Dots(codes, x, index) : Two(codes, x, index) + Two(codes, x, index + 2);
        return products + Vector256.Create(center);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn(byte* codes)
    {
        var (c0, c1, c2, c3) = CodeLanes.Sixteen(Vector512.Load(codes), Vector512.Load(codes + Register),
            Vector512.Load(codes + (2 * Register)), Vector512.Load(codes + (3 * Register)));
        c0.Store(codes);
        c1.Store(codes + Register);
        c2.Store(codes + (2 * Register));
        c3.Store(codes + (3 * Register));
    }

    // A run with one instruction for products and their sums. Two chains of four hide its latency.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Eight(byte* codes, byte* x) => Dots(codes, x, 0) + Dots(codes, x, 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Dots(byte* codes, byte* x, int index)
    {
        var sums = Dot(Dot(Vector256<int>.Zero, codes, x, index), codes, x, index + 1);
        return Dot(Dot(sums, codes, x, index + 2), codes, x, index + 3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Dot(Vector256<int> sums, byte* codes, byte* x, int index) =>
        AvxVnni.MultiplyWideningAndAdd(sums, Vector256.Load(codes + (index * Register)),
            Vector256.Create(((int*)x)[index]).AsSByte());

    // The same without it. Codes of 8 bits are two of 4 bits; eight sums of two products of 4 bits fit into 16 bits,
    // four of 5 bits.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Run<T>(byte* codes, byte* x) where T : unmanaged, ICodeBlock
    {
        if (T.Bits == 8)
        {
            var low = Four(codes, x, 0, high: false) + Four(codes, x, 4, high: false);
            var high = Four(codes, x, 0, high: true) + Four(codes, x, 4, high: true);
            return Fours(low, 1) + Fours(high, 16);
        }
        var (first, second) = (Four(codes, x, 0, whole: true), Four(codes, x, 4, whole: true));
        return T.Bits == 4 ? Fours(first + second, 1) : Fours(first, 1) + Fours(second, 1);
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
