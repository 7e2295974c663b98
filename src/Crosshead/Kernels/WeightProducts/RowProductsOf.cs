using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Crosshead.Runtime;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>The products of one format.</summary>
internal sealed unsafe class RowProducts<T> : RowProducts where T : unmanaged, IWeightBlock
{
    private const int CacheLine = 64, Ahead = 1536; // bytes of a row that are fetched before they are used

    // Most vectors that multiply weights as they are read. For more, rows are read into memory first.
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
            var w = weights + (row * weightStride);
            var count = Math.Min(4, rows - row);
            if (vectors == 1) Four(w, weightStride, count, columns, x, y + row);
            else FourByFew(w, weightStride, count, columns, x, stride, vectors, y + row, yStride);
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
        var (low, high) = (Quarters(Pair(a0, a1), Pair(a2, a3)), Quarters(Pair(a4, a5), Pair(a6, a7)));
        var sums = Avx.Shuffle(low, high, 0b10_00_10_00) + Avx.Shuffle(low, high, 0b11_01_11_01);
        Avx2.PermuteVar8x32(sums, Vector256.Create(0, 4, 1, 5, 2, 6, 3, 7)).Store(y);
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
        var turn = blocks - (Ahead / T.Bytes);
        for (long b = 0, at = 0; b < blocks; b++, at += T.Bytes)
        {
            var ahead = b < turn ? Ahead : Ahead + (3 * stride);
            Fetch(w + at, ahead, scales);
            Fetch(w1 + at, ahead, scales + Lanes);
            Fetch(w2 + at, ahead, scales + (2 * Lanes));
            Fetch(w3 + at, ahead, scales + (3 * Lanes));
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

    // Up to four rows by two to four vectors; the last ones again where there are fewer. A row is read once.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourByFew(byte* w, long stride, int count, int columns, float* x, int xStride, int vectors,
        float* y, int yStride)
    {
        byte* w1 = w + (Math.Min(1, count - 1) * stride), w2 = w + (Math.Min(2, count - 1) * stride),
            w3 = w + (Math.Min(3, count - 1) * stride);
        float* x1 = x + xStride, x2 = x + ((long)Math.Min(2, vectors - 1) * xStride),
            x3 = x + ((long)Math.Min(3, vectors - 1) * xStride);
        var sums = stackalloc Vector512<float>[16]; // four of each row
        for (var i = 0; i < 16; i++) sums[i] = default;
        Tall(w, w1, columns, x, x1, x2, x3, sums);
        if (count > 2) Tall(w2, w3, columns, x, x1, x2, x3, sums + 8);
        for (var v = 0; v < vectors; v++)
            for (var i = 0; i < count; i++) y[((long)v * yStride) + i] = Sum(sums[(4 * i) + v]);
    }

    // Two rows by four vectors: eight sums.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tall(byte* w, byte* w1, int columns, float* x0, float* x1, float* x2, float* x3,
        Vector512<float>* sums)
    {
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default,
            b2 = default, b3 = default;
        var blocks = columns / (T.Runs * T.Columns);
        var scales = stackalloc float[2 * Lanes];
        long k = 0;
        for (long b = 0, at = 0; b < blocks; b++, at += T.Bytes)
        {
            Fetch(w + at, Ahead, scales);
            Fetch(w1 + at, Ahead, scales + Lanes);
            for (var run = 0; run < T.Runs; run++, k += T.Columns)
            {
                var (p, q) = T.Load(w + at, run, scales);
                var (r, s) = T.Load(w1 + at, run, scales + Lanes);
                Add(x0 + k, p, q, r, s, ref a0, ref b0);
                Add(x1 + k, p, q, r, s, ref a1, ref b1);
                Add(x2 + k, p, q, r, s, ref a2, ref b2);
                Add(x3 + k, p, q, r, s, ref a3, ref b3);
            }
        }
        (sums[0], sums[1], sums[2], sums[3]) = (a0, a1, a2, a3);
        (sums[4], sums[5], sums[6], sums[7]) = (b0, b1, b2, b3);
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

    // Asks for the memory of a later block, and prepares this one.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(byte* block, long ahead, float* scales)
    {
        for (var line = 0; line < T.Bytes; line += CacheLine) Sse.Prefetch0(block + ahead + line);
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
