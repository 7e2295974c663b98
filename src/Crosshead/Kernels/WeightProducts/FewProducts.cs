using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Products with two to four vectors: two rows far from each other, which are read once, by all vectors.
/// </summary>
[SkipLocalsInit] // scales are prepared before they are read
internal static unsafe class FewProducts<T> where T : unmanaged, IWeightBlock
{
    private const int Lanes = RowProducts.Lanes;

    /// <summary>As <see cref="RowProducts.Multiply"/>.</summary>
    public static void Multiply(byte* weights, long weightStride, int rows, int columns, float* x, int stride,
        int vectors, float* y, int yStride)
    {
        var half = rows / 2;
        for (var row = 0; row < half; row++)
            Two(weights + (row * weightStride), half * weightStride, 2, columns, x, stride, vectors, y + row, half,
                yStride);
        if (rows % 2 > 0)
            Two(weights + (2 * half * weightStride), 0, 1, columns, x, stride, vectors, y + (2 * half), 0, yStride);
    }

    // By two to four vectors; the last ones again where there are fewer.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Two(byte* w, long stride, int count, int columns, float* x, int xStride, int vectors,
        float* y, int apart, int yStride)
    {
        float* x1 = x + xStride, x2 = x + ((long)Math.Min(2, vectors - 1) * xStride),
            x3 = x + ((long)Math.Min(3, vectors - 1) * xStride);
        var w1 = w + stride;
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default,
            b2 = default, b3 = default;
        var scales = stackalloc float[2 * Lanes];
        long k = 0;
        for (long at = 0, end = RowProducts<T>.RowBytes(columns); at < end; at += T.Bytes)
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
    private static void Store(Vector512<float> first, Vector512<float> second, int count, float* y, int apart)
    {
        y[0] = LaneSums.Of(first);
        if (count > 1) y[apart] = LaneSums.Of(second);
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
}
