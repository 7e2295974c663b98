using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Products with many vectors. Some columns of eight rows are read into the first cache as float32, and all vectors are
/// multiplied by them. Then the next columns follow. Where the second cache does not hold the vectors, the same columns
/// of the next rows come first, so that it holds at least these columns of all vectors. The rows are neighbours: rows
/// far from each other often lie whole pages apart, where they share places in the caches.
/// </summary>
[SkipLocalsInit] // nothing is read before it was written
internal static unsafe class WideProducts<T> where T : unmanaged, IWeightBlock
{
    private const int Lanes = RowProducts.Lanes, Rows = WideTile.Rows, Line = 64,
        MostDepth = 576, // columns at once
        MostBands = 4, // of eight rows, whose sums the second cache holds
        HeldBytes = 512 << 10; // of vectors, in the second cache

    /// <summary>As <see cref="RowProducts.Multiply"/>.</summary>
    public static void Multiply(byte* weights, long weightStride, int rows, int columns, float* x, int stride,
        int vectors, float* y, int yStride)
    {
        // Equal numbers of columns at once, in whole blocks.
        var (block, parts) = (T.Runs * T.Columns, (columns + MostDepth - 1) / MostDepth);
        var depth = ((columns / block) + parts - 1) / parts * block;
        var bandSums = Groups(vectors) * WideTile.Sums; // of eight rows
        var bands = (long)vectors * columns * sizeof(float) > HeldBytes ? MostBands : 1;
        var memory = stackalloc byte[(((Rows * depth) + (bands * bandSums)) * sizeof(float)) + Line];
        var read = (float*)(((nint)memory + Line - 1) / Line * Line);

        for (var first = 0; first < rows; first += bands * Rows)
        {
            var end = Math.Min(rows, first + (bands * Rows));
            for (var column = 0; column < columns; column += depth)
            {
                var sums = read + (Rows * depth);
                for (var row = first; row < end; row += Rows, sums += bandSums)
                {
                    // What is read next is asked for while this is multiplied.
                    var (nextRow, nextColumn) = row + Rows < end ? (row + Rows, column)
                        : column + depth < columns ? (first, column + depth) : (end, 0);
                    Band(At(row, column), At(nextRow, nextColumn), weightStride, Math.Min(Rows, end - row),
                        Math.Min(depth, columns - column), depth, read, x + column, stride, vectors, sums, column > 0,
                        column + depth >= columns, y + row, yStride);
                }
            }
        }

        byte* At(int row, int column) => weights + (row * weightStride) + RowProducts<T>.RowBytes(column);
    }

    // Some columns of up to eight rows. What was read of rows that are not there is multiplied too, and not stored.
    private static void Band(byte* w, byte* next, long weightStride, int rows, int count, int depth, float* read,
        float* x, int stride, int vectors, float* sums, bool begun, bool ends, float* y, int yStride)
    {
        Read(w, weightStride, rows, count, read, depth);
        var lines = (RowProducts<T>.RowBytes(depth) / Line) + 1; // of each row
        var (ahead, line, each) = (0L, 0L, ((Rows * lines) + Groups(vectors) - 1) / Groups(vectors));
        // Tiles of three vectors, then of two.
        var (twos, tile) = ((Groups(vectors) * WideTile.Vectors) - vectors, WideTile.Vectors);
        for (var vector = 0; vector < vectors; vector += tile, sums += WideTile.Sums)
        {
            if (vectors - vector == 2 * twos) tile = 2;
            for (var i = 0L; i < each && ahead < Rows && Sse.IsSupported; i++)
            {
                Sse.Prefetch0(next + (ahead * weightStride) + (line * Line));
                if (++line == lines) (ahead, line) = (ahead + 1, 0);
            }
            WideTile.Multiply(read, depth, x + ((long)vector * stride), stride, count, sums, begun, ends,
                y + ((long)vector * yStride), yStride, rows, tile);
        }
    }

    // Tiles of vectors.
    private static int Groups(int vectors) => (vectors + WideTile.Vectors - 1) / WideTile.Vectors;

    // Rows side by side, some columns of each at once, so that memory answers all of them at the same time.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Read(byte* w, long weightStride, int rows, int count, float* read, int depth)
    {
        var scales = stackalloc float[Lanes];
        for (var end = read + count; read < end; read += T.Runs * T.Columns, w += T.Bytes)
        {
            var (row, to) = ((long)w, (long)read);
            for (var i = 0; i < rows; i++, row += weightStride, to += depth * sizeof(float))
            {
                T.Prepare((byte*)row, scales);
                var run = 0;
                do
                {
                    var (first, second) = T.Load((byte*)row, run, scales);
                    first.Store((float*)to + (run * T.Columns));
                    if (T.Columns > Lanes) second.Store((float*)to + (run * T.Columns) + Lanes);
                }
                while (T.Runs > 1 && ++run < T.Runs);
            }
        }
    }
}
