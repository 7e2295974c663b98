using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
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
        else if (vectors > 1) ByFew(weights, weightStride, rows, columns, x, stride, vectors, y, yStride);
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

    private static void ByFew(byte* w, long stride, int rows, int columns, float* x, int xStride, int vectors, float* y,
        int yStride)
    {
        var half = rows / 2;
        for (var row = 0; row < half; row++)
            TwoByFew(w + (row * stride), half * stride, 2, columns, x, xStride, vectors, y + row, half, yStride);
        if (rows % 2 > 0)
            TwoByFew(w + (2 * half * stride), 0, 1, columns, x, xStride, vectors, y + (2 * half), 0, yStride);
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
        var (low, high) = (Quarters(Pair(a0, a1), Pair(a2, a3)), Quarters(Pair(a4, a5), Pair(a6, a7)));
        var sums = Avx.Shuffle(low, high, 0b10_00_10_00) + Avx.Shuffle(low, high, 0b11_01_11_01);
        sums = Avx2.PermuteVar8x32(sums, Vector256.Create(0, 4, 1, 5, 2, 6, 3, 7));
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
        y[0] = Sum(a0);
        if (count > 1) y[apart] = Sum(a1);
        if (count > 2) y[2 * apart] = Sum(a2);
        if (count > 3) y[3 * apart] = Sum(a3);
    }

    // Up to two rows by two to four vectors; the last ones again where there are fewer. A row is read once.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoByFew(byte* w, long stride, int count, int columns, float* x, int xStride, int vectors,
        float* y, int apart, int yStride)
    {
        float* x1 = x + xStride, x2 = x + ((long)Math.Min(2, vectors - 1) * xStride),
            x3 = x + ((long)Math.Min(3, vectors - 1) * xStride);
        var w1 = w + stride;
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default,
            b2 = default, b3 = default;
        var scales = stackalloc float[2 * Lanes];
        long k = 0;
        for (long at = 0, end = RowBytes(columns); at < end; at += T.Bytes)
        {
            T.Prepare(w + at, scales);
            T.Prepare(w1 + at, scales + Lanes);
            var run = 0;
            do
            {
                var (p, q) = T.Load(w + at, run, scales);
                var (r, s) = T.Load(w1 + at, run, scales + Lanes);
                Add(x + k, p, q, r, s, ref a0, ref b0);
                Add(x1 + k, p, q, r, s, ref a1, ref b1);
                Add(x2 + k, p, q, r, s, ref a2, ref b2);
                Add(x3 + k, p, q, r, s, ref a3, ref b3);
                k += T.Columns;
            }
            while (T.Runs > 1 && ++run < T.Runs);
        }
        Store(a0, b0, count, y, apart);
        Store(a1, b1, count, y + yStride, apart);
        if (vectors > 2) Store(a2, b2, count, y + (2L * yStride), apart);
        if (vectors > 3) Store(a3, b3, count, y + (3L * yStride), apart);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long RowBytes(int columns) => (long)columns / (T.Runs * T.Columns) * T.Bytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<float> first, Vector512<float> second, int count, float* y, int apart)
    {
        y[0] = Sum(first);
        if (count > 1) y[apart] = Sum(second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* x, Vector512<float> p, Vector512<float> q, Vector512<float> r, Vector512<float> s,
        ref Vector512<float> a, ref Vector512<float> b)
    {
        var v = Vector512.Load(x);
        a = Vector512.FusedMultiplyAdd(v, p, a);
        b = Vector512.FusedMultiplyAdd(v, r, b);
        if (T.Columns <= Lanes) return;
        v = Vector512.Load(x + Lanes);
        a = Vector512.FusedMultiplyAdd(v, q, a);
        b = Vector512.FusedMultiplyAdd(v, s, b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(byte* block, int run, float* scales, Vector512<float> v, Vector512<float> u,
        ref Vector512<float> sum)
    {
        var (first, second) = T.Load(block, run, scales);
        sum = Vector512.FusedMultiplyAdd(v, first, sum);
        if (T.Columns > Lanes) sum = Vector512.FusedMultiplyAdd(u, second, sum);
    }

    // The first steps of Sum for two products: four lanes of the first below four of the second.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Pair(Vector512<float> first, Vector512<float> second)
    {
        var (a, b) = (first.GetLower() + first.GetUpper(), second.GetLower() + second.GetUpper());
        return Avx.Permute2x128(a, b, 0x20) + Avx.Permute2x128(a, b, 0x31);
    }

    // The next step for two pairs: in each half, lanes 0 + 2 and 1 + 3 of a product of the first and of the second.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Quarters(Vector256<float> first, Vector256<float> second) =>
        Avx.Shuffle(first, second, 0b01_00_01_00) + Avx.Shuffle(first, second, 0b11_10_11_10);

    /// <summary>The sum of sixteen lanes, in the one order of all products.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static float Sum(Vector512<float> lanes)
    {
        var eight = lanes.GetLower() + lanes.GetUpper();
        var four = eight.GetLower() + eight.GetUpper();
        return (four[0] + four[2]) + (four[1] + four[3]);
    }
}
