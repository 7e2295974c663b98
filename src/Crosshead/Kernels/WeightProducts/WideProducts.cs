using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Crosshead.Runtime;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Products with many vectors. Some columns of eight rows are read into the first cache as float32, and all vectors are
/// multiplied by them. Then the next columns follow. The rows are neighbours: rows far from each other often lie whole
/// pages apart, where they share places in the caches.
/// </summary>
[SkipLocalsInit] // nothing is read before it was written
internal static unsafe class WideProducts<T> where T : unmanaged, IWeightBlock
{
    private const int Lanes = RowProducts.Lanes, Rows = 8, TileRows = 4, TileSums = 16 * Lanes, Line = 64,
        MostDepth = 576; // columns at once

    /// <summary>As <see cref="RowProducts.Multiply"/>.</summary>
    public static void Multiply(byte* weights, long weightStride, int rows, int columns, float* x, int stride,
        int vectors, float* y, int yStride)
    {
        // Equal numbers of columns at once, in whole blocks.
        var (block, parts) = (T.Runs * T.Columns, (columns + MostDepth - 1) / MostDepth);
        var depth = ((columns / block) + parts - 1) / parts * block;
        var sumTiles = depth < columns ? Groups(vectors) * (Rows / TileRows) : 1;
        var memory = stackalloc byte[(((Rows * depth) + (sumTiles * TileSums)) * sizeof(float)) + 64];
        var read = (float*)(((nint)memory + 63) / 64 * 64);

        for (var row = 0; row < rows; row += Rows)
            Band(weights + (row * weightStride), weightStride, Math.Min(Rows, rows - row), columns, depth, read, x,
                stride, vectors, y + row, yStride);
    }

    // Up to eight rows. What was read of rows that are not there is multiplied too, and not stored.
    private static void Band(byte* w, long weightStride, int rows, int columns, int depth, float* read, float* x,
        int stride, int vectors, float* y, int yStride)
    {
        for (var column = 0; column < columns; column += depth)
        {
            var count = Math.Min(depth, columns - column);
            Read(w + RowProducts<T>.RowBytes(column), weightStride, rows, count, read, depth);
            var sums = read + (Rows * depth);
            // What is read next is asked for while this is multiplied: the next columns, or those of the next rows.
            var next = column + count < columns ? w + RowProducts<T>.RowBytes(column + count)
                : w + (Rows * weightStride);
            var lines = (RowProducts<T>.RowBytes(depth) / Line) + 1; // of each row
            var (ahead, line, each) = (0L, 0L, ((Rows * lines) + Groups(vectors) - 1) / Groups(vectors));
            for (var vector = 0; vector < vectors; vector += 4)
            {
                for (var i = 0L; i < each && ahead < Rows && Sse.IsSupported; i++)
                {
                    Sse.Prefetch0(next + (ahead * weightStride) + (line * Line));
                    if (++line == lines) (ahead, line) = (ahead + 1, 0);
                }
                var last = vectors - 1 - vector;
                var x0 = x + ((long)vector * stride) + column;
                float* x1 = x0 + ((long)Math.Min(1, last) * stride), x2 = x0 + ((long)Math.Min(2, last) * stride),
                    x3 = x0 + ((long)Math.Min(3, last) * stride);
                for (var row = 0; row < rows; row += TileRows, sums += depth < columns ? TileSums : 0)
                    Tile(read + (row * depth), depth, x0, x1, x2, x3, count, sums, column > 0,
                        column + count == columns, y + ((long)vector * yStride) + row, yStride,
                        Math.Min(TileRows, rows - row), Math.Min(4, last + 1));
            }
        }
    }

    // Fours of vectors.
    private static int Groups(int vectors) => (vectors + 3) / 4;

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

    // Four rows by four vectors: sixteen sums, which are kept in memory from some columns to the next. Written is what
    // there is of them.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile(float* w, int depth, float* x0, float* x1, float* x2, float* x3, int count, float* sums,
        bool begun, bool ends, float* y, int yStride, int rows, int vectors)
    {
        float* w1 = w + depth, w2 = w1 + depth, w3 = w2 + depth;
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default,
            b2 = default, b3 = default, c0 = default, c1 = default, c2 = default, c3 = default, d0 = default,
            d1 = default, d2 = default, d3 = default;
        if (begun)
        {
            (a0, a1, a2, a3) = (At(sums, 0), At(sums, 1), At(sums, 2), At(sums, 3));
            (b0, b1, b2, b3) = (At(sums, 4), At(sums, 5), At(sums, 6), At(sums, 7));
            (c0, c1, c2, c3) = (At(sums, 8), At(sums, 9), At(sums, 10), At(sums, 11));
            (d0, d1, d2, d3) = (At(sums, 12), At(sums, 13), At(sums, 14), At(sums, 15));
        }
        for (long k = 0; k < count; k += Lanes)
        {
            var (r0, r1, r2, r3) = (Vector512.Load(w + k), Vector512.Load(w1 + k), Vector512.Load(w2 + k),
                Vector512.Load(w3 + k));
            var v = Vector512.Load(x0 + k);
            a0 = Vector512.FusedMultiplyAdd(v, r0, a0);
            a1 = Vector512.FusedMultiplyAdd(v, r1, a1);
            a2 = Vector512.FusedMultiplyAdd(v, r2, a2);
            a3 = Vector512.FusedMultiplyAdd(v, r3, a3);
            v = Vector512.Load(x1 + k);
            b0 = Vector512.FusedMultiplyAdd(v, r0, b0);
            b1 = Vector512.FusedMultiplyAdd(v, r1, b1);
            b2 = Vector512.FusedMultiplyAdd(v, r2, b2);
            b3 = Vector512.FusedMultiplyAdd(v, r3, b3);
            v = Vector512.Load(x2 + k);
            c0 = Vector512.FusedMultiplyAdd(v, r0, c0);
            c1 = Vector512.FusedMultiplyAdd(v, r1, c1);
            c2 = Vector512.FusedMultiplyAdd(v, r2, c2);
            c3 = Vector512.FusedMultiplyAdd(v, r3, c3);
            v = Vector512.Load(x3 + k);
            d0 = Vector512.FusedMultiplyAdd(v, r0, d0);
            d1 = Vector512.FusedMultiplyAdd(v, r1, d1);
            d2 = Vector512.FusedMultiplyAdd(v, r2, d2);
            d3 = Vector512.FusedMultiplyAdd(v, r3, d3);
        }
        if (ends && CpuVectors.Are512Bits)
        {
            var all = LaneSums.OfSixteen(a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3);
            Store(all, y, yStride, rows, vectors);
            return;
        }
        Keep(sums, 0, a0, a1, a2, a3);
        Keep(sums, 4, b0, b1, b2, b3);
        Keep(sums, 8, c0, c1, c2, c3);
        Keep(sums, 12, d0, d1, d2, d3);
        if (!ends) return;
        for (var v = 0; v < vectors; v++)
            for (var row = 0; row < rows; row++)
                y[((long)v * yStride) + row] = LaneSums.Of(At(sums, (4 * v) + row));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> At(float* sums, int index) => Vector512.Load(sums + (index * Lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep(float* sums, int index, Vector512<float> first, Vector512<float> second,
        Vector512<float> third, Vector512<float> fourth)
    {
        first.Store(sums + (index * Lanes));
        second.Store(sums + ((index + 1) * Lanes));
        third.Store(sums + ((index + 2) * Lanes));
        fourth.Store(sums + ((index + 3) * Lanes));
    }

    // The sums are ordered by vectors, then by rows.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<float> sums, float* y, int yStride, int rows, int vectors)
    {
        for (var v = 0; v < vectors; v++, y += yStride)
        {
            var four = Avx512F.ExtractVector128(sums, 0);
            y[0] = four[0];
            if (rows > 1) y[1] = four[1];
            if (rows > 2) y[2] = four[2];
            if (rows > 3) y[3] = four[3];
            sums = Avx512F.Shuffle4x128(sums, sums, 0b00_11_10_01); // the next vector's four become the first
        }
    }
}
