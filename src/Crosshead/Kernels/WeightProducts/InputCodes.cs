using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Vectors rounded to 8 bits, with a scale for 32 numbers: x ≈ d · q with q = −127 … 127. They lie as records
/// [columns / 32, vectors]: 32 codes, then d, d times the sum of the codes, and of the first and of the last 16.
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
    /// <param name="records">[columns / 32, vectors]; receives the records.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Encode(float* x, long stride, int vectors, int columns, byte* records)
    {
        for (var v = 0; v < vectors; v++, x += stride, records += RecordBytes)
        {
            var record = records;
            for (var column = 0; column < columns; column += Columns, record += (long)vectors * RecordBytes)
                Encode(x + column, record);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Encode(float* x, byte* record)
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
        var codes = Vector512.Narrow(low, high);
        Vector256.Narrow(codes.GetLower(), codes.GetUpper()).Store((sbyte*)record);
        var (d, a, b) = (largest / Largest, Vector512.Sum(low), Vector512.Sum(high));
        var tail = (float*)(record + Columns);
        (tail[0], tail[1], tail[2], tail[3]) = (d, d * (a + b), d * a, d * b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Rounded(Vector512<float> x) =>
        (x + Vector512.Create(Rounder)).AsInt32() - Vector512.Create(Rounder).AsInt32();
}
