using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Runtime;

namespace Crosshead.Decoding.Cpu;

/// <summary>Products of one or two panels with few vectors. The sums are in registers of 512 bits.</summary>
internal static unsafe class PanelTiles
{
    /// <summary>Multiplies one panel by one vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Vector512<float> Multiply1<T>(T* panel, int depth, float* x) where T : unmanaged, IPanelElement<T>
    {
        // four sums hide the latency of the products
        Vector512<float> a = default, b = default, c = default, d = default;
        for (var k = 0; k < depth; k += 4, panel += 4 * Panel.Lanes)
        {
            var (even, odd) = T.LoadRows(panel);
            a = Vector512.FusedMultiplyAdd(Vector512.Create(x[k]), even, a);
            b = Vector512.FusedMultiplyAdd(Vector512.Create(x[k + 1]), odd, b);
            (even, odd) = T.LoadRows(panel + (2 * Panel.Lanes));
            c = Vector512.FusedMultiplyAdd(Vector512.Create(x[k + 2]), even, c);
            d = Vector512.FusedMultiplyAdd(Vector512.Create(x[k + 3]), odd, d);
        }
        return a + b + (c + d);
    }

    /// <summary>Multiplies one panel by four vectors; <paramref name="next"/> is prefetched.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply4<T>(T* panel, T* next, int depth, float* x, int stride, float* y, int yStride)
        where T : unmanaged, IPanelElement<T>
    {
        if (!CpuVectors.Are512Bits)
        {
            PanelHalfTiles.Multiply4(panel, next, depth, x, stride, y, yStride);
            return;
        }
        float* x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride;
        Vector512<float> a = default, b = default, c = default, d = default;     // of even elements
        Vector512<float> a1 = default, b1 = default, c1 = default, d1 = default; // of odd elements
        for (var k = 0; k < depth; k += 2, panel += 2 * Panel.Lanes, next += 2 * Panel.Lanes)
        {
            Panel.Prefetch(next);
            var (even, odd) = T.LoadRows(panel);
            a = Vector512.FusedMultiplyAdd(Vector512.Create(x[k]), even, a);
            b = Vector512.FusedMultiplyAdd(Vector512.Create(x1[k]), even, b);
            c = Vector512.FusedMultiplyAdd(Vector512.Create(x2[k]), even, c);
            d = Vector512.FusedMultiplyAdd(Vector512.Create(x3[k]), even, d);
            a1 = Vector512.FusedMultiplyAdd(Vector512.Create(x[k + 1]), odd, a1);
            b1 = Vector512.FusedMultiplyAdd(Vector512.Create(x1[k + 1]), odd, b1);
            c1 = Vector512.FusedMultiplyAdd(Vector512.Create(x2[k + 1]), odd, c1);
            d1 = Vector512.FusedMultiplyAdd(Vector512.Create(x3[k + 1]), odd, d1);
        }
        (a + a1).Store(y);
        (b + b1).Store(y + yStride);
        (c + c1).Store(y + (2 * yStride));
        (d + d1).Store(y + (3 * yStride));
    }

    /// <summary>
    /// Multiplies two panels by eight vectors: 16 sums. A loaded element is used by 8 or by 2 sums. So the multipliers
    /// are the limit, not the loads.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply8x2<T>(T* p, T* q, T* nextP, T* nextQ, int depth, float* x, int stride, float* y,
        int yStride, int second) where T : unmanaged, IPanelElement<T>
    {
        if (!CpuVectors.Are512Bits)
        {
            PanelHalfTiles.Multiply8x2(p, q, nextP, nextQ, depth, x, stride, y, yStride, second);
            return;
        }
        float* x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride, x4 = x3 + stride, x5 = x4 + stride,
            x6 = x5 + stride, x7 = x6 + stride;
        Vector512<float> p0 = default, p1 = default, p2 = default, p3 = default, p4 = default, p5 = default,
            p6 = default, p7 = default;
        Vector512<float> q0 = default, q1 = default, q2 = default, q3 = default, q4 = default, q5 = default,
            q6 = default, q7 = default;
        for (var k = 0; k < depth; k += 2, p += 2 * Panel.Lanes, q += 2 * Panel.Lanes, nextP += 2 * Panel.Lanes,
            nextQ += 2 * Panel.Lanes)
        {
            var (pEven, pOdd) = T.LoadRows(p);
            var (qEven, qOdd) = T.LoadRows(q);
            Panel.Prefetch(nextP);
            Panel.Prefetch(nextQ);
            Add(x[k], pEven, qEven, ref p0, ref q0);
            Add(x1[k], pEven, qEven, ref p1, ref q1);
            Add(x2[k], pEven, qEven, ref p2, ref q2);
            Add(x3[k], pEven, qEven, ref p3, ref q3);
            Add(x4[k], pEven, qEven, ref p4, ref q4);
            Add(x5[k], pEven, qEven, ref p5, ref q5);
            Add(x6[k], pEven, qEven, ref p6, ref q6);
            Add(x7[k], pEven, qEven, ref p7, ref q7);
            Add(x[k + 1], pOdd, qOdd, ref p0, ref q0);
            Add(x1[k + 1], pOdd, qOdd, ref p1, ref q1);
            Add(x2[k + 1], pOdd, qOdd, ref p2, ref q2);
            Add(x3[k + 1], pOdd, qOdd, ref p3, ref q3);
            Add(x4[k + 1], pOdd, qOdd, ref p4, ref q4);
            Add(x5[k + 1], pOdd, qOdd, ref p5, ref q5);
            Add(x6[k + 1], pOdd, qOdd, ref p6, ref q6);
            Add(x7[k + 1], pOdd, qOdd, ref p7, ref q7);
        }
        Store(p0, q0, y, second);
        Store(p1, q1, y + yStride, second);
        Store(p2, q2, y + (2 * yStride), second);
        Store(p3, q3, y + (3 * yStride), second);
        Store(p4, q4, y + (4 * yStride), second);
        Store(p5, q5, y + (5 * yStride), second);
        Store(p6, q6, y + (6 * yStride), second);
        Store(p7, q7, y + (7 * yStride), second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float x, Vector512<float> p, Vector512<float> q, ref Vector512<float> sumP,
        ref Vector512<float> sumQ)
    {
        var v = Vector512.Create(x);
        sumP = Vector512.FusedMultiplyAdd(v, p, sumP);
        sumQ = Vector512.FusedMultiplyAdd(v, q, sumQ);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<float> p, Vector512<float> q, float* y, int second)
    {
        p.Store(y);
        q.Store(y + second);
    }
}
