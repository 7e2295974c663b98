using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Runtime;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Eight rows of float32 by two or three vectors: up to twenty-four sums, which the registers of AVX-512 hold together
/// with what is multiplied. Registers of 256 bits hold those of four rows and half the lanes.
/// </summary>
[SkipLocalsInit] // sums are stored before they are read
internal static unsafe class WideTile
{
    /// <summary>Rows of a tile.</summary>
    public const int Rows = 8;

    /// <summary>Most vectors of a tile.</summary>
    public const int Vectors = 3;

    /// <summary>Numbers that sums are kept in from some columns to the next.</summary>
    public const int Sums = Rows * Vectors * Lanes;

    private const int Lanes = RowProducts.Lanes, HalfLanes = Lanes / 2, HalfRows = Rows / 2;

    /// <summary>Multiplies some columns.</summary>
    /// <param name="w">[rows, depth]</param>
    /// <param name="depth">Elements from row to row.</param>
    /// <param name="x">[vectors, stride]</param>
    /// <param name="stride">Elements from vector to vector.</param>
    /// <param name="count">Columns, a multiple of 16.</param>
    /// <param name="sums">[vectors, rows, 16]; read if <paramref name="begun"/>, written unless
    /// <paramref name="ends"/>.</param>
    /// <param name="begun">Whether there were columns before.</param>
    /// <param name="ends">Whether these are the last columns.</param>
    /// <param name="y">[vectors, yStride]; receives the products with the rows side by side at the end.</param>
    /// <param name="yStride">Elements from result to result.</param>
    /// <param name="rows">Rows that are there, 1 to 8. Memory is there for the others.</param>
    /// <param name="vectors">Vectors, 2 or 3.</param>
    public static void Multiply(float* w, int depth, float* x, int stride, int count, float* sums, bool begun,
        bool ends, float* y, int yStride, int rows, int vectors)
    {
        if (vectors == Vectors)
            Multiply<Three>(w, depth, x, stride, count, sums, begun, ends, y, yStride, rows);
        else
            Multiply<Two>(w, depth, x, stride, count, sums, begun, ends, y, yStride, rows);
    }

    private static void Multiply<T>(float* w, int depth, float* x, int stride, int count, float* sums, bool begun,
        bool ends, float* y, int yStride, int rows) where T : struct, IVectors
    {
        if (CpuVectors.Are512Bits)
        {
            Whole<T>(w, depth, x, stride, count, sums, begun, ends, y, yStride, rows);
            return;
        }
        for (var row = 0; row < Rows; row += HalfRows)
            for (var lane = 0; lane < Lanes; lane += HalfLanes)
                Quarter<T>(w + (row * depth) + lane, depth, x + lane, stride, count, sums + (row * Lanes) + lane,
                    begun);
        if (!ends) return;
        for (var v = 0; v < T.Count; v++)
            for (var row = 0; row < rows; row++)
                y[((long)v * yStride) + row] = LaneSums.Of(Sum(sums, v, row));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Whole<T>(float* w, int depth, float* x0, int stride, int count, float* sums, bool begun,
        bool ends, float* y, int yStride, int rows) where T : struct, IVectors
    {
        float* x1 = x0 + stride, x2 = x1 + stride;
        float* w1 = w + depth, w2 = w1 + depth, w3 = w2 + depth, w4 = w3 + depth, w5 = w4 + depth, w6 = w5 + depth,
            w7 = w6 + depth;
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default,
            a6 = default, a7 = default, b0 = default, b1 = default, b2 = default, b3 = default, b4 = default,
            b5 = default, b6 = default, b7 = default, c0 = default, c1 = default, c2 = default, c3 = default,
            c4 = default, c5 = default, c6 = default, c7 = default;
        if (begun)
        {
            (a0, a1, a2, a3) = (Sum(sums, 0, 0), Sum(sums, 0, 1), Sum(sums, 0, 2), Sum(sums, 0, 3));
            (a4, a5, a6, a7) = (Sum(sums, 0, 4), Sum(sums, 0, 5), Sum(sums, 0, 6), Sum(sums, 0, 7));
            (b0, b1, b2, b3) = (Sum(sums, 1, 0), Sum(sums, 1, 1), Sum(sums, 1, 2), Sum(sums, 1, 3));
            (b4, b5, b6, b7) = (Sum(sums, 1, 4), Sum(sums, 1, 5), Sum(sums, 1, 6), Sum(sums, 1, 7));
            if (T.Count > 2)
            {
                (c0, c1, c2, c3) = (Sum(sums, 2, 0), Sum(sums, 2, 1), Sum(sums, 2, 2), Sum(sums, 2, 3));
                (c4, c5, c6, c7) = (Sum(sums, 2, 4), Sum(sums, 2, 5), Sum(sums, 2, 6), Sum(sums, 2, 7));
            }
        }
        for (long k = 0; k < count; k += Lanes)
        {
            var (p, q, s) = (Vector512.Load(x0 + k), Vector512.Load(x1 + k),
                T.Count > 2 ? Vector512.Load(x2 + k) : default);
            Add<T>(w + k, p, q, s, ref a0, ref b0, ref c0);
            Add<T>(w1 + k, p, q, s, ref a1, ref b1, ref c1);
            Add<T>(w2 + k, p, q, s, ref a2, ref b2, ref c2);
            Add<T>(w3 + k, p, q, s, ref a3, ref b3, ref c3);
            Add<T>(w4 + k, p, q, s, ref a4, ref b4, ref c4);
            Add<T>(w5 + k, p, q, s, ref a5, ref b5, ref c5);
            Add<T>(w6 + k, p, q, s, ref a6, ref b6, ref c6);
            Add<T>(w7 + k, p, q, s, ref a7, ref b7, ref c7);
        }
        if (ends)
        {
            Store(LaneSums.OfEight(a0, a1, a2, a3, a4, a5, a6, a7), y, rows);
            Store(LaneSums.OfEight(b0, b1, b2, b3, b4, b5, b6, b7), y + yStride, rows);
            if (T.Count > 2)
                Store(LaneSums.OfEight(c0, c1, c2, c3, c4, c5, c6, c7), y + (2L * yStride), rows);
            return;
        }
        Keep(sums, a0, a1, a2, a3, a4, a5, a6, a7);
        Keep(sums + (Rows * Lanes), b0, b1, b2, b3, b4, b5, b6, b7);
        if (T.Count > 2) Keep(sums + (2 * Rows * Lanes), c0, c1, c2, c3, c4, c5, c6, c7);
    }

    // Four rows, half the lanes.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Quarter<T>(float* w, int depth, float* x0, int stride, int count, float* sums, bool begun)
        where T : struct, IVectors
    {
        const int next = Rows * Lanes; // vector
        float* w1 = w + depth, w2 = w1 + depth, w3 = w2 + depth, x1 = x0 + stride, x2 = x1 + stride;
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default,
            b2 = default, b3 = default, c0 = default, c1 = default, c2 = default, c3 = default;
        if (begun)
        {
            (a0, a1, a2, a3) = (Half(sums, 0), Half(sums, 1), Half(sums, 2), Half(sums, 3));
            (b0, b1, b2, b3) = (Half(sums + next, 0), Half(sums + next, 1), Half(sums + next, 2), Half(sums + next, 3));
            if (T.Count > 2)
            {
                var third = sums + (2 * next);
                (c0, c1, c2, c3) = (Half(third, 0), Half(third, 1), Half(third, 2), Half(third, 3));
            }
        }
        for (long k = 0; k < count; k += Lanes)
        {
            var (p, q, s) = (Vector256.Load(x0 + k), Vector256.Load(x1 + k),
                T.Count > 2 ? Vector256.Load(x2 + k) : default);
            Add<T>(w + k, p, q, s, ref a0, ref b0, ref c0);
            Add<T>(w1 + k, p, q, s, ref a1, ref b1, ref c1);
            Add<T>(w2 + k, p, q, s, ref a2, ref b2, ref c2);
            Add<T>(w3 + k, p, q, s, ref a3, ref b3, ref c3);
        }
        Keep(sums, a0, a1, a2, a3);
        Keep(sums + next, b0, b1, b2, b3);
        if (T.Count > 2) Keep(sums + (2 * next), c0, c1, c2, c3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<T>(float* w, Vector512<float> x0, Vector512<float> x1, Vector512<float> x2,
        ref Vector512<float> a, ref Vector512<float> b, ref Vector512<float> c) where T : struct, IVectors
    {
        var r = Vector512.Load(w);
        a = Vector512.FusedMultiplyAdd(x0, r, a);
        b = Vector512.FusedMultiplyAdd(x1, r, b);
        if (T.Count > 2) c = Vector512.FusedMultiplyAdd(x2, r, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<T>(float* w, Vector256<float> x0, Vector256<float> x1, Vector256<float> x2,
        ref Vector256<float> a, ref Vector256<float> b, ref Vector256<float> c) where T : struct, IVectors
    {
        var r = Vector256.Load(w);
        a = Vector256.FusedMultiplyAdd(x0, r, a);
        b = Vector256.FusedMultiplyAdd(x1, r, b);
        if (T.Count > 2) c = Vector256.FusedMultiplyAdd(x2, r, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Sum(float* sums, int vector, int row) =>
        Vector512.Load(sums + (((vector * Rows) + row) * Lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Half(float* sums, int row) => Vector256.Load(sums + (row * Lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep(float* sums, Vector512<float> s0, Vector512<float> s1, Vector512<float> s2,
        Vector512<float> s3, Vector512<float> s4, Vector512<float> s5, Vector512<float> s6, Vector512<float> s7)
    {
        s0.Store(sums);
        s1.Store(sums + Lanes);
        s2.Store(sums + (2 * Lanes));
        s3.Store(sums + (3 * Lanes));
        s4.Store(sums + (4 * Lanes));
        s5.Store(sums + (5 * Lanes));
        s6.Store(sums + (6 * Lanes));
        s7.Store(sums + (7 * Lanes));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep(float* sums, Vector256<float> s0, Vector256<float> s1, Vector256<float> s2,
        Vector256<float> s3)
    {
        s0.Store(sums);
        s1.Store(sums + Lanes);
        s2.Store(sums + (2 * Lanes));
        s3.Store(sums + (3 * Lanes));
    }

    private static void Store(Vector256<float> products, float* y, int rows)
    {
        if (rows == Rows) products.Store(y);
        else
            for (var row = 0; row < rows; row++) y[row] = products[row];
    }

    private interface IVectors
    {
        static abstract int Count { get; }
    }

    private readonly struct Two : IVectors
    {
        public static int Count => 2;
    }

    private readonly struct Three : IVectors
    {
        public static int Count => 3;
    }
}
