using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Runtime;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// The products of one format. The rows that are multiplied together lie far from each other: the first of each eighth
/// of the matrix for example, then the second of each. So memory is read as eight streams without a gap, which the
/// processor fetches ahead by itself. Rows side by side are shorter streams, and their starts have to be waited for.
/// </summary>
[SkipLocalsInit] // scales are prepared before they are read
internal sealed unsafe class RowProducts<T> : RowProducts where T : unmanaged, IWeightBlock
{
    // Most vectors that multiply weights as they are read. For more, rows are read into memory first.
    private const int DirectVectors = 4;

    /// <inheritdoc/>
    public override void Multiply(byte* weights, long weightStride, int rows, int columns, float* x, int stride,
        int vectors, float* y, int yStride)
    {
        if (vectors > DirectVectors)
            WideProducts<T>.Multiply(weights, weightStride, rows, columns, x, stride, vectors, y, yStride);
        else if (vectors > 1)
            FewProducts<T>.Multiply(weights, weightStride, rows, columns, x, stride, vectors, y, yStride);
        else ByOne(weights, weightStride, rows, columns, x, y);
    }

    private static void ByOne(byte* w, long stride, int rows, int columns, float* x, float* y)
    {
        if (CpuVectors.Are512Bits)
        {
            var eighth = rows / 8;
            for (var row = 0; row < eighth; row++)
                Eight(w + (row * stride), eighth * stride, columns, x, y + row, eighth);
            w += 8 * eighth * stride;
            y += 8 * eighth;
            rows %= 8;
        }
        var quarter = rows / 4;
        for (var row = 0; row < quarter; row++)
            Four(w + (row * stride), quarter * stride, 4, columns, x, y + row, quarter);
        if (rows % 4 > 0) Four(w + (4 * quarter * stride), stride, rows % 4, columns, x, y + (4 * quarter), 1);
    }

    // Eight rows by one vector: eight sums hide the latency of the products. Products are stored apart.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Eight(byte* w, long stride, int columns, float* x, float* y, int apart)
    {
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default,
            a6 = default, a7 = default;
        byte* w1 = w + stride, w2 = w1 + stride, w3 = w2 + stride, w4 = w3 + stride, w5 = w4 + stride,
            w6 = w5 + stride, w7 = w6 + stride;
        var scales = stackalloc float[8 * Lanes];
        for (long at = 0, end = RowBytes(columns); at < end; at += T.Bytes)
        {
            T.Prepare(w + at, scales);
            T.Prepare(w1 + at, scales + Lanes);
            T.Prepare(w2 + at, scales + (2 * Lanes));
            T.Prepare(w3 + at, scales + (3 * Lanes));
            T.Prepare(w4 + at, scales + (4 * Lanes));
            T.Prepare(w5 + at, scales + (5 * Lanes));
            T.Prepare(w6 + at, scales + (6 * Lanes));
            T.Prepare(w7 + at, scales + (7 * Lanes));
            var run = 0;
            do // a block with one run is no loop then
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
                x += T.Columns;
            }
            while (T.Runs > 1 && ++run < T.Runs);
        }
        var sums = LaneSums.OfEight(a0, a1, a2, a3, a4, a5, a6, a7);
        for (var i = 0; i < 8; i++) y[(long)i * apart] = sums[i];
    }

    // Up to four rows by one vector; the last row again where there are fewer.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four(byte* w, long stride, int count, int columns, float* x, float* y, int apart)
    {
        byte* w1 = w + (Math.Min(1, count - 1) * stride), w2 = w + (Math.Min(2, count - 1) * stride),
            w3 = w + (Math.Min(3, count - 1) * stride);
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default;
        var scales = stackalloc float[4 * Lanes];
        for (long at = 0, end = RowBytes(columns); at < end; at += T.Bytes)
        {
            T.Prepare(w + at, scales);
            T.Prepare(w1 + at, scales + Lanes);
            T.Prepare(w2 + at, scales + (2 * Lanes));
            T.Prepare(w3 + at, scales + (3 * Lanes));
            var run = 0;
            do
            {
                var (v, u) = (Vector512.Load(x), T.Columns > Lanes ? Vector512.Load(x + Lanes) : default);
                Add(w + at, run, scales, v, u, ref a0);
                Add(w1 + at, run, scales + Lanes, v, u, ref a1);
                Add(w2 + at, run, scales + (2 * Lanes), v, u, ref a2);
                Add(w3 + at, run, scales + (3 * Lanes), v, u, ref a3);
                x += T.Columns;
            }
            while (T.Runs > 1 && ++run < T.Runs);
        }
        y[0] = LaneSums.Of(a0);
        if (count > 1) y[apart] = LaneSums.Of(a1);
        if (count > 2) y[2 * apart] = LaneSums.Of(a2);
        if (count > 3) y[3 * apart] = LaneSums.Of(a3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static long RowBytes(int columns) => (long)columns / (T.Runs * T.Columns) * T.Bytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(byte* block, int run, float* scales, Vector512<float> v, Vector512<float> u,
        ref Vector512<float> sum)
    {
        var (first, second) = T.Load(block, run, scales);
        sum = Vector512.FusedMultiplyAdd(v, first, sum);
        if (T.Columns > Lanes) sum = Vector512.FusedMultiplyAdd(u, second, sum);
    }
}
