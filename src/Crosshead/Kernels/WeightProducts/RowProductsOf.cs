using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Crosshead.Runtime;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>The products of one format.</summary>
internal sealed unsafe class RowProducts<T> : RowProducts where T : unmanaged, IWeightBlock
{
    private const int CacheLine = 64, Ahead = 1024; // bytes of a row that are fetched before they are used

    /// <summary>Most vectors that multiply weights as they are read. For more, rows are read into memory first.</summary>
    private const int DirectVectors = 4;

    /// <inheritdoc/>
    public override void Multiply(byte* weights, long weightStride, int rows, int columns, float* x, int stride,
        int vectors, float* y, int yStride)
    {
        if (vectors > DirectVectors)
        {
            WideProducts<T>.Multiply(weights, weightStride, rows, columns, x, stride, vectors, y, yStride);
            return;
        }
        var row = 0;
        if (vectors == 1 && CpuVectors.Are512Bits)
            for (; row <= rows - 8; row += 8) Eight(weights + (row * weightStride), weightStride, columns, x, y + row);
        for (; row < rows; row += 4)
        {
            var count = Math.Min(4, rows - row);
            for (var v = 0; v < vectors; v++)
                Four(weights + (row * weightStride), weightStride, count, columns, x + ((long)v * stride),
                    y + ((long)v * yStride) + row);
        }
    }

    // Eight rows by one vector: eight sums hide the latency of the products.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Eight(byte* w, long stride, int columns, float* x, float* y)
    {
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default,
            a6 = default, a7 = default;
        byte* w1 = w + stride, w2 = w1 + stride, w3 = w2 + stride, w4 = w3 + stride, w5 = w4 + stride,
            w6 = w5 + stride, w7 = w6 + stride;
        var blocks = columns / (T.Runs * T.Columns);
        var scales = stackalloc float[8 * Lanes];
        // Each row is a stream of its own, which goes on with the row eight rows further.
        var turn = blocks - (Ahead / T.Bytes);
        for (long b = 0, at = 0; b < blocks; b++, at += T.Bytes)
        {
            var ahead = b < turn ? Ahead : Ahead + (7 * stride);
            Fetch(w + at, ahead, scales);
            Fetch(w1 + at, ahead, scales + Lanes);
            Fetch(w2 + at, ahead, scales + (2 * Lanes));
            Fetch(w3 + at, ahead, scales + (3 * Lanes));
            Fetch(w4 + at, ahead, scales + (4 * Lanes));
            Fetch(w5 + at, ahead, scales + (5 * Lanes));
            Fetch(w6 + at, ahead, scales + (6 * Lanes));
            Fetch(w7 + at, ahead, scales + (7 * Lanes));
            for (var run = 0; run < T.Runs; run++, x += T.Columns)
            {
                var (v, u) = (Vector512.Load(x), T.Columns > Lanes ? Vector512.Load(x + Lanes) : default);
                Add(w + at, run, scales, v, u, ref a0);
                Add(w1 + at, run, scales + Lanes, v, u, ref a1);
                Add(w2 + at, run, scales + (2 * Lanes), v, u, ref a2);
                Add(w3 + at, run, scales + (3 * Lanes), v, u, ref a3);
                Add(w4 + at, run, scales + (4 * Lanes), v, u, ref a4);
                Add(w5 + at, run, scales + (5 * Lanes), v, u, ref a5);
                Add(w6 + at, run, scales + (6 * Lanes), v, u, ref a6);
                Add(w7 + at, run, scales + (7 * Lanes), v, u, ref a7);
            }
        }
        y[0] = Sum(a0);
        y[1] = Sum(a1);
        y[2] = Sum(a2);
        y[3] = Sum(a3);
        y[4] = Sum(a4);
        y[5] = Sum(a5);
        y[6] = Sum(a6);
        y[7] = Sum(a7);
    }

    // Up to four rows by one vector; the last row again where there are fewer.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four(byte* w, long stride, int count, int columns, float* x, float* y)
    {
        byte* w1 = w + (Math.Min(1, count - 1) * stride), w2 = w + (Math.Min(2, count - 1) * stride),
            w3 = w + (Math.Min(3, count - 1) * stride);
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default;
        var blocks = columns / (T.Runs * T.Columns);
        var scales = stackalloc float[4 * Lanes];
        for (long b = 0, at = 0; b < blocks; b++, at += T.Bytes)
        {
            Fetch(w + at, Ahead, scales);
            Fetch(w1 + at, Ahead, scales + Lanes);
            Fetch(w2 + at, Ahead, scales + (2 * Lanes));
            Fetch(w3 + at, Ahead, scales + (3 * Lanes));
            for (var run = 0; run < T.Runs; run++, x += T.Columns)
            {
                var (v, u) = (Vector512.Load(x), T.Columns > Lanes ? Vector512.Load(x + Lanes) : default);
                Add(w + at, run, scales, v, u, ref a0);
                Add(w1 + at, run, scales + Lanes, v, u, ref a1);
                Add(w2 + at, run, scales + (2 * Lanes), v, u, ref a2);
                Add(w3 + at, run, scales + (3 * Lanes), v, u, ref a3);
            }
        }
        y[0] = Sum(a0);
        if (count > 1) y[1] = Sum(a1);
        if (count > 2) y[2] = Sum(a2);
        if (count > 3) y[3] = Sum(a3);
    }

    // Asks for the memory of a later block, and prepares this one.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(byte* block, long ahead, float* scales)
    {
        for (var line = 0; line < T.Bytes; line += CacheLine) Sse.Prefetch1(block + ahead + line);
        T.Prepare(block, scales);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(byte* block, int run, float* scales, Vector512<float> v, Vector512<float> u,
        ref Vector512<float> sum)
    {
        var (first, second) = T.Load(block, run, scales);
        sum = Vector512.FusedMultiplyAdd(v, first, sum);
        if (T.Columns > Lanes) sum = Vector512.FusedMultiplyAdd(u, second, sum);
    }

    /// <summary>The sum of sixteen lanes, in the one order of all products.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static float Sum(Vector512<float> lanes)
    {
        var eight = lanes.GetLower() + lanes.GetUpper();
        var four = eight.GetLower() + eight.GetUpper();
        return (four[0] + four[2]) + (four[1] + four[3]);
    }
}
