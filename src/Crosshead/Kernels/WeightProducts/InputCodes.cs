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
    /// <param name="records">[columns / 32, vectors]; receives the records.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Encode(float* x, long stride, int vectors, int columns, int center, byte* records)
    {
        for (var v = 0; v < vectors; v++, x += stride, records += RecordBytes)
        {
            var record = records;
            for (var column = 0; column < columns; column += Columns, record += (long)vectors * RecordBytes)
                Encode(x + column, center, record);
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Encode(float* x, int center, byte* record)
    {
        var (first, second) = (Vector512.Load(x), Vector512.Load(x + 16));
        // Magnitudes in the order of their bits: what is no number is larger than all others.
        var bits = Vector512.Max(first.AsInt32() & Vector512.Create(int.MaxValue),
            second.AsInt32() & Vector512.Create(int.MaxValue));
        var eight = Vector256.Max(bits.GetLower(), bits.GetUpper());
        var four = Vector128.Max(eight.GetLower(), eight.GetUpper());
        four = Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        four = Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(1, 0, 3, 2)));
        var largest = four.AsSingle().ToScalar();
        var factor = Vector512.Create(largest >= Least ? Largest / largest : 0);
        var low = Rounded(first * factor);
        var high = Rounded(second * factor);
        var words = Vector512.Narrow(low, high);
        var codes = Vector256.Narrow(words.GetLower(), words.GetUpper());
        codes.Store((sbyte*)record);
        var (a, b) = SumsOf(codes);
        var d = largest / Largest;
        var tail = (float*)(record + Columns);
        (tail[0], tail[1]) = (d, d * (a + b));
        if (center == 0) return;
        var integers = (int*)tail;
        (integers[1], integers[2], integers[3]) = (-center * (a + b), -center * a, -center * b);
    }

    // The sums of the first 16 codes and of the last 16.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (int First, int Last) SumsOf(Vector256<sbyte> codes)
    {
        var fours = Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(Vector256.Create((byte)1), codes),
            Vector256.Create((short)1));
        var twos = Ssse3.HorizontalAdd(fours.GetLower(), fours.GetUpper());
        var sums = Ssse3.HorizontalAdd(twos, twos);
        return (sums[0], sums[1]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Rounded(Vector512<float> x) =>
        (x + Vector512.Create(Rounder)).AsInt32() - Vector512.Create(Rounder).AsInt32();
}
