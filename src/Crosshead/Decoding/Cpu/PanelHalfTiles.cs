using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// <see cref="PanelTiles"/> for sixteen registers of 256 bits, with eight lanes and four vectors at a time. Each sum
/// has the same terms in the same order, so results are equal bit for bit.
/// </summary>
internal static unsafe class PanelHalfTiles
{
    private const int Lanes = 8;

    // Number of rows of two panels that stay in the first-level cache while all vectors and both halves use them.
    private const int Block = 128;

    /// <summary>Multiplies one panel by four vectors; <paramref name="next"/> is prefetched.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply4<T>(T* panel, T* next, int depth, float* x, int stride, float* y, int yStride)
        where T : unmanaged, IPanelElement<T>
    {
        for (var half = 0; half < 2; half++, next = panel)
            HalfOf4(panel, next, half, depth, x, stride, y + (half * Lanes), yStride);
    }

    /// <summary>Multiplies two panels by eight vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply8x2<T>(T* p, T* q, T* nextP, T* nextQ, int depth, float* x, int stride, float* y,
        int yStride, int second) where T : unmanaged, IPanelElement<T>
    {
        for (var start = 0; start < depth; start += Block)
        {
            var length = Math.Min(Block, depth - start);
            var offset = start * Panel.Lanes;
            T* aheadP = nextP, aheadQ = nextQ;
            for (var half = 0; half < 2; half++)
            {
                for (var row = 0; row < 8; row += 4, aheadP = p, aheadQ = q)
                {
                    HalfOf4x2(p + offset, q + offset, aheadP + offset, aheadQ + offset, half, length,
                        x + ((long)row * stride) + start, stride,
                        y + ((long)row * yStride) + (half * Lanes), yStride, second, start > 0);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void HalfOf4<T>(T* panel, T* next, int half, int depth, float* x, int stride, float* y, int yStride)
        where T : unmanaged, IPanelElement<T>
    {
        float* x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride;
        Vector256<float> a = default, b = default, c = default, d = default;     // of even elements
        Vector256<float> a1 = default, b1 = default, c1 = default, d1 = default; // of odd elements
        for (var k = 0; k < depth; k += 2, panel += 2 * Panel.Lanes, next += 2 * Panel.Lanes)
        {
            Panel.Prefetch(next);
            var (even, odd) = T.LoadHalfRows(panel, half);
            a = Vector256.FusedMultiplyAdd(Vector256.Create(x[k]), even, a);
            b = Vector256.FusedMultiplyAdd(Vector256.Create(x1[k]), even, b);
            c = Vector256.FusedMultiplyAdd(Vector256.Create(x2[k]), even, c);
            d = Vector256.FusedMultiplyAdd(Vector256.Create(x3[k]), even, d);
            a1 = Vector256.FusedMultiplyAdd(Vector256.Create(x[k + 1]), odd, a1);
            b1 = Vector256.FusedMultiplyAdd(Vector256.Create(x1[k + 1]), odd, b1);
            c1 = Vector256.FusedMultiplyAdd(Vector256.Create(x2[k + 1]), odd, c1);
            d1 = Vector256.FusedMultiplyAdd(Vector256.Create(x3[k + 1]), odd, d1);
        }
        (a + a1).Store(y);
        (b + b1).Store(y + yStride);
        (c + c1).Store(y + (2 * yStride));
        (d + d1).Store(y + (3 * yStride));
    }

    // If `add` is set, the sums start from y, which holds the sums of the earlier rows.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void HalfOf4x2<T>(T* p, T* q, T* nextP, T* nextQ, int half, int depth, float* x, int stride,
        float* y, int yStride, int second, bool add) where T : unmanaged, IPanelElement<T>
    {
        float* x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride;
        Vector256<float> p0 = default, p1 = default, p2 = default, p3 = default, q0 = default, q1 = default,
            q2 = default, q3 = default;
        if (add)
        {
            (p0, q0) = (Vector256.Load(y), Vector256.Load(y + second));
            (p1, q1) = (Vector256.Load(y + yStride), Vector256.Load(y + yStride + second));
            (p2, q2) = (Vector256.Load(y + (2 * yStride)), Vector256.Load(y + (2 * yStride) + second));
            (p3, q3) = (Vector256.Load(y + (3 * yStride)), Vector256.Load(y + (3 * yStride) + second));
        }
        for (var k = 0; k < depth; k += 2, p += 2 * Panel.Lanes, q += 2 * Panel.Lanes, nextP += 2 * Panel.Lanes,
            nextQ += 2 * Panel.Lanes)
        {
            Panel.Prefetch(nextP);
            Panel.Prefetch(nextQ);
            var (pEven, pOdd) = T.LoadHalfRows(p, half);
            var (qEven, qOdd) = T.LoadHalfRows(q, half);
            Add(x[k], pEven, qEven, ref p0, ref q0);
            Add(x1[k], pEven, qEven, ref p1, ref q1);
            Add(x2[k], pEven, qEven, ref p2, ref q2);
            Add(x3[k], pEven, qEven, ref p3, ref q3);
            Add(x[k + 1], pOdd, qOdd, ref p0, ref q0);
            Add(x1[k + 1], pOdd, qOdd, ref p1, ref q1);
            Add(x2[k + 1], pOdd, qOdd, ref p2, ref q2);
            Add(x3[k + 1], pOdd, qOdd, ref p3, ref q3);
        }
        Store(p0, q0, y, second);
        Store(p1, q1, y + yStride, second);
        Store(p2, q2, y + (2 * yStride), second);
        Store(p3, q3, y + (3 * yStride), second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float x, Vector256<float> p, Vector256<float> q, ref Vector256<float> sumP,
        ref Vector256<float> sumQ)
    {
        var v = Vector256.Create(x);
        sumP = Vector256.FusedMultiplyAdd(v, p, sumP);
        sumQ = Vector256.FusedMultiplyAdd(v, q, sumQ);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<float> p, Vector256<float> q, float* y, int second)
    {
        p.Store(y);
        q.Store(y + second);
    }
}
