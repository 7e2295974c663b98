using System.Runtime.InteropServices;

namespace Crosshead.Weights;

/// <summary>
/// Counts weights that are NaN or infinite. Of quantised weights it reads the scales alone where finite scales give
/// finite weights.
/// </summary>
internal static class NonFiniteWeights
{
    private const int Pieces = 64;
    private const ushort Exponent = 0x7C00; // of a half that is NaN or infinite

    /// <summary>How many weights of a matrix are NaN or infinite.</summary>
    public static long Count(WeightMatrix matrix)
    {
        var step = Math.Max(1, (matrix.Rows + Pieces - 1) / Pieces);
        var counts = new long[(matrix.Rows + step - 1) / step];
        int[] halves = [.. matrix.Format.Halves];
        Parallel.For(0, counts.Length, piece =>
        {
            var count = 0L;
            for (var row = piece * step; row < Math.Min((piece + 1) * step, matrix.Rows); row++)
                count += halves.Length == 0 ? CountOneByOne(matrix.BytesOf(row), matrix.Format)
                    : CountBlocks(matrix.BytesOf(row), matrix.Format.BlockBytes, halves) * matrix.Format.BlockSize;
            counts[piece] = count;
        });
        return counts.Sum();
    }

    // Blocks with a half that is NaN or infinite. Every block of a file is looked at before the first token.
    private static long CountBlocks(ReadOnlySpan<byte> row, int blockBytes, ReadOnlySpan<int> halves)
    {
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
