using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Vectors rounded to 8 bits, with a scale for 32 numbers: x ≈ d · q with q = −127 … 127. They lie as records
/// [columns / 32, vectors]: 32 codes and d, then, for weights whose codes have a center, the integers −center times
/// the sum of the codes, of the first 16 and of the last 16; for others d times the sum of the codes.
/// </summary>
internal static unsafe class InputCodes
{
    /// <summary>Bytes of a record.</summary>
    public const int RecordBytes = 48;

    /// <summary>Columns of a record.</summary>
    public const int Columns = 32;

    private const int Largest = 127;
    private const float Least = 1e-30f, // smaller numbers become 0: 127 divided by them may be infinite
        Rounder = 12582912; // 1.5 · 2²³: what is added to it is rounded to an integer, in its lowest bits

    /// <summary>Rounds vectors.</summary>
    /// <param name="x">[vectors, stride]</param>
    /// <param name="stride">Elements from vector to vector.</param>
    /// <param name="vectors">Number of vectors.</param>
    /// <param name="columns">Numbers of a vector, a multiple of 32.</param>
    /// <param name="center">As <see cref="ICodeBlock.Center"/> of the weights.</param>
    /// <param name="records">[columns / 32, all]; receives the records.</param>
    /// <param name="all">Vectors that lie side by side, of which these are some.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Encode(float* x, long stride, int vectors, int columns, int center, byte* records, int all)
    {
        var far = (long)all * RecordBytes;
        // Four runs at a time, of a vector or of four. Where fewer are left, the last one is rounded again.
        if (columns == Columns)
        {
            for (var v = 0; v < vectors; v += 4)
                Four(x + (v * stride), stride, center, records + (v * RecordBytes), RecordBytes, vectors - v - 1);
            return;
        }
        for (var v = 0; v < vectors; v++, x += stride, records += RecordBytes)
        {
            var record = records;
            for (var column = 0; column < columns; column += 4 * Columns, record += 4 * far)
                Four(x + column, Columns, center, record, far, ((columns - column) / Columns) - 1);
        }
    }

    /// <summary>Products of a run without the center of the codes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Centered(Vector512<int> products, byte* record) => products + At(record, 1);

    /// <summary>The same for the products of the first 16 columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> FirstCentered(Vector512<int> products, byte* record) => products + At(record, 2);

    /// <summary>The same for the products of the last 16 columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> SecondCentered(Vector512<int> products, byte* record) => products + At(record, 3);

    /// <summary>sum + scale · d · products, lane by lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> sum, Vector512<int> products, Vector512<float> scale,
        byte* record) => Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(products),
            scale * Vector512.Create(((float*)(record + Columns))[0]), sum);

    /// <summary>sum + minimum · d · (sum of the codes), lane by lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> AddMinimum(Vector512<float> sum, Vector512<float> minimum, byte* record) =>
        Vector512.FusedMultiplyAdd(minimum, Vector512.Create(((float*)(record + Columns))[1]), sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> At(byte* record, int number) =>
        Vector512.Create(((int*)(record + Columns))[number]);

    // Rounds four runs, the last of which may come before the fourth. What a run has one of is a lane of theirs.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Four(float* x, long step, int center, byte* record, long far, int last)
    {
        var (second, third, fourth) = (Math.Min(1, last), Math.Min(2, last), Math.Min(3, last));
        float* x1 = x + (second * step), x2 = x + (third * step), x3 = x + (fourth * step);
        byte* r1 = record + (second * far), r2 = record + (third * far), r3 = record + (fourth * far);
        var (m01, m23) = (Two(Largest4(x), Largest4(x1)), Two(Largest4(x2), Largest4(x3)));
        var largest = Vector128.Max(Sse2.UnpackLow(m01.AsInt64(), m23.AsInt64()).AsInt32(),
            Sse2.UnpackHigh(m01.AsInt64(), m23.AsInt64()).AsInt32()).AsSingle();
        var factors = Vector128.GreaterThanOrEqual(largest, Vector128.Create(Least))
            & (Vector128.Create((float)Largest) / largest);
        var (s01, s23) = (
            Ssse3.HorizontalAdd(Codes(x, factors[0], record), Codes(x1, factors[1], r1)).AsSingle(),
            Ssse3.HorizontalAdd(Codes(x2, factors[2], r2), Codes(x3, factors[3], r3)).AsSingle());
        // The sums of the first 16 codes, and of the last 16.
        var (a, b) = (Sse.Shuffle(s01, s23, 0b10_00_10_00).AsInt32(), Sse.Shuffle(s01, s23, 0b11_01_11_01).AsInt32());
        var d = largest / Vector128.Create((float)Largest);
        var c = Vector128.Create(-center);
        var (whole, low, high) = center == 0
            ? ((d * Vector128.ConvertToSingle(a + b)).AsInt32(), Vector128<int>.Zero, Vector128<int>.Zero)
            : ((a + b) * c, a * c, b * c);
        var (dw, lh) = (Sse2.UnpackLow(d.AsInt32(), whole).AsInt64(), Sse2.UnpackLow(low, high).AsInt64());
        Sse2.UnpackLow(dw, lh).Store((long*)(record + Columns));
        Sse2.UnpackHigh(dw, lh).Store((long*)(r1 + Columns));
        (dw, lh) = (Sse2.UnpackHigh(d.AsInt32(), whole).AsInt64(), Sse2.UnpackHigh(low, high).AsInt64());
        Sse2.UnpackLow(dw, lh).Store((long*)(r2 + Columns));
        Sse2.UnpackHigh(dw, lh).Store((long*)(r3 + Columns));
    }

    // The largest magnitude of a run is one of four. What is no number is larger than all others.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Largest4(float* x)
    {
        var bits = Vector512.Max(Vector512.Load((int*)x) & Vector512.Create(int.MaxValue),
            Vector512.Load((int*)(x + 16)) & Vector512.Create(int.MaxValue)); // in the order of magnitudes
        var eight = Vector256.Max(bits.GetLower(), bits.GetUpper());
        return Vector128.Max(eight.GetLower(), eight.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Two(Vector128<int> first, Vector128<int> second) =>
        Vector128.Max(Sse2.UnpackLow(first, second), Sse2.UnpackHigh(first, second));

    // Writes the codes of a run. Returns sums whose first two belong to the first 16 codes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Codes(float* x, float factor, byte* record)
    {
        var factors = Vector512.Create(factor);
        var words = Vector512.Narrow(Rounded(Vector512.Load(x) * factors), Rounded(Vector512.Load(x + 16) * factors));
        var codes = Vector256.Narrow(words.GetLower(), words.GetUpper());
        codes.Store((sbyte*)record);
        var fours = Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(Vector256.Create((byte)1), codes),
            Vector256.Create((short)1));
        return Ssse3.HorizontalAdd(fours.GetLower(), fours.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Rounded(Vector512<float> x) =>
        (x + Vector512.Create(Rounder)).AsInt32() - Vector512.Create(Rounder).AsInt32();
}
