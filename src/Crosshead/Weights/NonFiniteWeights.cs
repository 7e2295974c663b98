using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Crosshead.Weights;

/// <summary>
/// Counts weights that are NaN or infinite. Of quantised weights it reads the scales alone where finite scales give
/// finite weights.
/// </summary>
internal static class NonFiniteWeights
{
    private const ushort Exponent = 0x7C00; // of a half that is NaN or infinite
    private const int Lowest = 0x0400, Carry = 0x8000; // the exponent's lowest bit, and the bit above it

    /// <summary>How many weights of some rows of a matrix are NaN or infinite.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="first">The rows' bytes.</param>
    /// <param name="rows">Number of rows.</param>
    public static unsafe long Count(WeightMatrix matrix, byte* first, long rows)
    {
        var (count, format) = (0L, matrix.Format);
        int[] halves = [.. format.Halves];
        for (; rows > 0; rows--, first += matrix.Stride)
        {
            var row = new ReadOnlySpan<byte>(first, (int)format.RowBytes(matrix.Columns));
            count += halves.Length == 0 ? CountNumbers(row, format)
                : CountBlocks(row, format.BlockBytes, halves) * format.BlockSize;
        }
        return count;
    }

    // Blocks with a half that is NaN or infinite. Every block of a file is looked at before the first token.
    private static long CountBlocks(ReadOnlySpan<byte> row, int blockBytes, ReadOnlySpan<int> halves)
    {
        var any = false;
        foreach (var at in halves) any |= Any(row[at..], blockBytes);
        if (!any) return 0;
        var count = 0L;
        for (; row.Length >= blockBytes; row = row[blockBytes..])
        {
            var bad = 0;
            foreach (var at in halves)
                bad |= (MemoryMarshal.Read<ushort>(row[at..]) & Exponent) == Exponent ? 1 : 0;
            count += bad;
        }
        return count;
    }

    // Whether one of the halves that begin the blocks is NaN or infinite: adding one to such an exponent carries.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool Any(ReadOnlySpan<byte> row, int blockBytes)
    {
        ref var bytes = ref MemoryMarshal.GetReference(row);
        var carries = 0;
        for (nint at = 0; at <= row.Length - sizeof(ushort); at += blockBytes)
            carries |= (Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref bytes, at)) & Exponent) + Lowest;
        return (carries & Carry) != 0;
    }

    private static long CountNumbers(ReadOnlySpan<byte> row, WeightFormat format) =>
        format == WeightFormat.BF16 ? NonFiniteNumbers.Count(MemoryMarshal.Cast<byte, ushort>(row), (ushort)0x7F80)
        : format == WeightFormat.F16 ? NonFiniteNumbers.Count(MemoryMarshal.Cast<byte, ushort>(row), Exponent)
        : format == WeightFormat.F32 ? NonFiniteNumbers.Count(MemoryMarshal.Cast<byte, uint>(row), 0x7F80_0000u)
        : CountOneByOne(row, format);

    private static long CountOneByOne(ReadOnlySpan<byte> row, WeightFormat format)
    {
        const int Most = 1024;
        Span<float> values = stackalloc float[Most];
        var count = 0L;
        for (var (bytes, at) = (format.RowBytes(Most), 0L); at < row.Length; at += bytes)
        {
            var piece = row.Slice((int)at, (int)Math.Min(bytes, row.Length - at));
            var numbers = values[..(piece.Length / format.BlockBytes * format.BlockSize)];
            format.Read(piece, numbers);
            foreach (var value in numbers)
                if (!float.IsFinite(value)) count++;
        }
        return count;
    }
}
