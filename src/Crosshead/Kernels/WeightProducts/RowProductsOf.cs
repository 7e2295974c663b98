using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// The products of one format. The rows that are multiplied together lie far from each other: the first of each quarter
/// of the matrix for example, then the second of each. So memory is read as four streams without a gap, which the
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
        var quarter = rows / 4;
        for (var row = 0; row < quarter; row++)
            Four(w + (row * stride), quarter * stride, 4, columns, x, y + row, quarter);
        if (rows % 4 > 0) Four(w + (4 * quarter * stride), stride, rows % 4, columns, x, y + (4 * quarter), 1);
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
        var sums = LaneSums.OfFour(a0, a1, a2, a3);
        y[0] = sums[0];
        if (count > 1) y[apart] = sums[1];
        if (count > 2) y[2 * apart] = sums[2];
        if (count > 3) y[3 * apart] = sums[3];
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
