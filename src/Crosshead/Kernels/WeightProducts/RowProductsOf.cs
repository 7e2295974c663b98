using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Crosshead.Runtime;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>The products of one format.</summary>
internal sealed unsafe class RowProducts<T> : RowProducts where T : unmanaged, IWeightRun
{
    private const int Ahead = 1024; // bytes of a row that are fetched before they are used

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
        var runs = columns / T.Columns;
        // Each row is a stream of its own, which goes on with the row eight rows further.
        long turn = runs - (Ahead / T.Bytes), next = Ahead + (7 * stride);
        for (var r = 0; r < runs; r++, x += T.Columns)
        {
            var ahead = ((long)r * T.Bytes) + (r < turn ? Ahead : next);
            var (v, u) = (Vector512.Load(x), T.Columns > 16 ? Vector512.Load(x + 16) : default);
            Add(w, r, ahead, v, u, ref a0);
            Add(w1, r, ahead, v, u, ref a1);
            Add(w2, r, ahead, v, u, ref a2);
            Add(w3, r, ahead, v, u, ref a3);
            Add(w4, r, ahead, v, u, ref a4);
            Add(w5, r, ahead, v, u, ref a5);
            Add(w6, r, ahead, v, u, ref a6);
            Add(w7, r, ahead, v, u, ref a7);
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
        var runs = columns / T.Columns;
        for (var r = 0; r < runs; r++, x += T.Columns)
        {
            var ahead = ((long)r * T.Bytes) + Ahead;
            var (v, u) = (Vector512.Load(x), T.Columns > 16 ? Vector512.Load(x + 16) : default);
            Add(w, r, ahead, v, u, ref a0);
            Add(w1, r, ahead, v, u, ref a1);
            Add(w2, r, ahead, v, u, ref a2);
            Add(w3, r, ahead, v, u, ref a3);
        }
        y[0] = Sum(a0);
        if (count > 1) y[1] = Sum(a1);
        if (count > 2) y[2] = Sum(a2);
        if (count > 3) y[3] = Sum(a3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(byte* w, int run, long ahead, Vector512<float> v, Vector512<float> u,
        ref Vector512<float> sum)
    {
        Sse.Prefetch1(w + ahead);
        var (first, second) = T.Load(w, run);
        sum = Vector512.FusedMultiplyAdd(v, first, sum);
        if (T.Columns > 16) sum = Vector512.FusedMultiplyAdd(u, second, sum);
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
