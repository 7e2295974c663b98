using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Products with many vectors. Some columns of four rows are read into the first cache as float32, and all vectors are
/// multiplied by them. Then the next columns follow. The sums are kept meanwhile.
/// </summary>
[SkipLocalsInit] // sums are cleared, and scales prepared, before they are read
internal static unsafe class WideProducts<T> where T : unmanaged, IWeightBlock
{
    private const int Lanes = RowProducts.Lanes, Rows = 4, Depth = 512; // columns at once

    /// <summary>As <see cref="RowProducts.Multiply"/>.</summary>
    public static void Multiply(byte* weights, long weightStride, int rows, int columns, float* x, int stride,
        int vectors, float* y, int yStride)
    {
        // For vectors in fours, the last one again where there are fewer.
        var tiles = (vectors + 3) / 4;
        var memory = stackalloc byte[(((Rows * Depth) + (tiles * Rows * 4 * Lanes)) * sizeof(float)) + 64];
        var read = (float*)(((nint)memory + 63) / 64 * 64);
        var sums = read + (Rows * Depth);
        for (var row = 0; row < rows; row += Rows)
        {
            var count = Math.Min(Rows, rows - row);
            new Span<float>(sums, tiles * Rows * 4 * Lanes).Clear();
            for (var column = 0; column < columns; column += Depth)
            {
                var depth = Math.Min(Depth, columns - column);
                for (var i = 0; i < Rows; i++)
                    Read(weights + ((row + Math.Min(i, count - 1)) * weightStride), column, depth, read + (i * Depth));
                for (var tile = 0; tile < tiles; tile++)
                {
                    var last = vectors - 1 - (4 * tile);
                    var x0 = x + (4L * tile * stride) + column;
                    Tile(read, x0, x0 + ((long)Math.Min(1, last) * stride), x0 + ((long)Math.Min(2, last) * stride),
                        x0 + ((long)Math.Min(3, last) * stride), depth, sums + (tile * Rows * 4 * Lanes));
                }
            }
            for (var v = 0; v < vectors; v++)
                for (var i = 0; i < count; i++)
                    y[((long)v * yStride) + row + i] =
                        RowProducts<T>.Sum(Vector512.Load(sums + (((v * Rows) + i) * Lanes)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Read(byte* row, int column, int depth, float* to)
    {
        var scales = stackalloc float[Lanes];
        row += column / (T.Runs * T.Columns) * T.Bytes;
        for (var end = to + depth; to < end; row += T.Bytes)
        {
            T.Prepare(row, scales);
            for (var run = 0; run < T.Runs; run++, to += T.Columns)
            {
                var (first, second) = T.Load(row, run, scales);
                first.Store(to);
                if (T.Columns > Lanes) second.Store(to + Lanes);
            }
        }
    }

    // Four rows by four vectors: sixteen sums.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile(float* w, float* x0, float* x1, float* x2, float* x3, int depth, float* sums)
    {
        Vector512<float> a0 = Vector512.Load(sums), a1 = Vector512.Load(sums + 16), a2 = Vector512.Load(sums + 32),
            a3 = Vector512.Load(sums + 48), b0 = Vector512.Load(sums + 64), b1 = Vector512.Load(sums + 80),
            b2 = Vector512.Load(sums + 96), b3 = Vector512.Load(sums + 112), c0 = Vector512.Load(sums + 128),
            c1 = Vector512.Load(sums + 144), c2 = Vector512.Load(sums + 160), c3 = Vector512.Load(sums + 176),
            d0 = Vector512.Load(sums + 192), d1 = Vector512.Load(sums + 208), d2 = Vector512.Load(sums + 224),
            d3 = Vector512.Load(sums + 240);
        for (var k = 0; k < depth; k += Lanes)
        {
            var (w0, w1) = (Vector512.Load(w + k), Vector512.Load(w + Depth + k));
            var (w2, w3) = (Vector512.Load(w + (2 * Depth) + k), Vector512.Load(w + (3 * Depth) + k));
            var v = Vector512.Load(x0 + k);
            a0 = Vector512.FusedMultiplyAdd(v, w0, a0);
            a1 = Vector512.FusedMultiplyAdd(v, w1, a1);
            a2 = Vector512.FusedMultiplyAdd(v, w2, a2);
            a3 = Vector512.FusedMultiplyAdd(v, w3, a3);
            v = Vector512.Load(x1 + k);
            b0 = Vector512.FusedMultiplyAdd(v, w0, b0);
            b1 = Vector512.FusedMultiplyAdd(v, w1, b1);
            b2 = Vector512.FusedMultiplyAdd(v, w2, b2);
            b3 = Vector512.FusedMultiplyAdd(v, w3, b3);
            v = Vector512.Load(x2 + k);
            c0 = Vector512.FusedMultiplyAdd(v, w0, c0);
            c1 = Vector512.FusedMultiplyAdd(v, w1, c1);
            c2 = Vector512.FusedMultiplyAdd(v, w2, c2);
            c3 = Vector512.FusedMultiplyAdd(v, w3, c3);
            v = Vector512.Load(x3 + k);
            d0 = Vector512.FusedMultiplyAdd(v, w0, d0);
            d1 = Vector512.FusedMultiplyAdd(v, w1, d1);
            d2 = Vector512.FusedMultiplyAdd(v, w2, d2);
            d3 = Vector512.FusedMultiplyAdd(v, w3, d3);
        }
        a0.Store(sums);
        a1.Store(sums + 16);
        a2.Store(sums + 32);
        a3.Store(sums + 48);
        b0.Store(sums + 64);
        b1.Store(sums + 80);
        b2.Store(sums + 96);
        b3.Store(sums + 112);
        c0.Store(sums + 128);
        c1.Store(sums + 144);
        c2.Store(sums + 160);
        c3.Store(sums + 176);
        d0.Store(sums + 192);
        d1.Store(sums + 208);
        d2.Store(sums + 224);
        d3.Store(sums + 240);
    }
}
