using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Runtime;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Products of a few panels with a few vectors. The sums are in registers of 512 bits. Each is one sum over the depth
/// from its beginning to its end, so that a product does not depend on the vectors that are multiplied beside it.
/// </summary>
internal static unsafe class PanelTiles
{
    private const int Ahead = 32; // rows of a panel

    /// <summary>Multiplies four panels by one vector: four sums hide the latency of the products.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply1x4<T>(T* p, T* q, T* r, T* s, int depth, float* x, float* y, int second, int third,
        int fourth) where T : unmanaged, IPanelElement<T>
    {
        const int rows = 2 * Panel.Lanes;
        Vector512<float> a = default, b = default, c = default, d = default;
        for (var k = 0; k < depth; k += 2, p += rows, q += rows, r += rows, s += rows)
        {
            var (v, w) = (Vector512.Create(x[k]), Vector512.Create(x[k + 1]));
            var (even, odd) = T.LoadRows(p);
            a = Vector512.FusedMultiplyAdd(w, odd, Vector512.FusedMultiplyAdd(v, even, a));
            (even, odd) = T.LoadRows(q);
            b = Vector512.FusedMultiplyAdd(w, odd, Vector512.FusedMultiplyAdd(v, even, b));
            (even, odd) = T.LoadRows(r);
            c = Vector512.FusedMultiplyAdd(w, odd, Vector512.FusedMultiplyAdd(v, even, c));
            (even, odd) = T.LoadRows(s);
            d = Vector512.FusedMultiplyAdd(w, odd, Vector512.FusedMultiplyAdd(v, even, d));
        }
        a.Store(y);
        b.Store(y + second);
        c.Store(y + third);
        d.Store(y + fourth);
    }

    /// <summary>Multiplies eight panels that follow each other by one vector, for the same sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply1x8<T>(T* panel, long panelStride, int depth, float* x, float* y)
        where T : unmanaged, IPanelElement<T>
    {
        const int rows = 2 * Panel.Lanes;
        T* p0 = panel, p1 = p0 + panelStride, p2 = p1 + panelStride, p3 = p2 + panelStride, p4 = p3 + panelStride,
            p5 = p4 + panelStride, p6 = p5 + panelStride, p7 = p6 + panelStride;
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default,
            a6 = default, a7 = default;
        for (var k = 0; k < depth; k += 2, p0 += rows, p1 += rows, p2 += rows, p3 += rows, p4 += rows, p5 += rows,
            p6 += rows, p7 += rows)
        {
            var (v, w) = (Vector512.Create(x[k]), Vector512.Create(x[k + 1]));
            Add(p0, v, w, ref a0);
            Add(p1, v, w, ref a1);
            Add(p2, v, w, ref a2);
            Add(p3, v, w, ref a3);
            Add(p4, v, w, ref a4);
            Add(p5, v, w, ref a5);
            Add(p6, v, w, ref a6);
            Add(p7, v, w, ref a7);
        }
        a0.Store(y);
        a1.Store(y + Panel.Lanes);
        a2.Store(y + (2 * Panel.Lanes));
        a3.Store(y + (3 * Panel.Lanes));
        a4.Store(y + (4 * Panel.Lanes));
        a5.Store(y + (5 * Panel.Lanes));
        a6.Store(y + (6 * Panel.Lanes));
        a7.Store(y + (7 * Panel.Lanes));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<T>(T* rows, Vector512<float> v, Vector512<float> w, ref Vector512<float> sum)
        where T : unmanaged, IPanelElement<T>
    {
        // Hardware loses eight streams at each end of a page of memory.
        Panel.Prefetch(rows + (Ahead * Panel.Lanes));
        var (even, odd) = T.LoadRows(rows);
        sum = Vector512.FusedMultiplyAdd(w, odd, Vector512.FusedMultiplyAdd(v, even, sum));
    }

    /// <summary>
    /// Multiplies two panels by up to four vectors: 8 sums, each once or twice. The next two panels are prefetched.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply4x2<T>(T* p, T* q, T* nextP, T* nextQ, int depth, float* x, int stride, int rows,
        float* y, int yStride, int second) where T : unmanaged, IPanelElement<T>
    {
        if (!CpuVectors.Are512Bits)
        {
            PanelHalfTiles.Multiply4x2(p, q, nextP, nextQ, depth, x, stride, rows, y, yStride, second);
            return;
        }
        // where there are fewer vectors the last one is multiplied again
        float* x1 = x + (Math.Min(1, rows - 1) * stride), x2 = x + (Math.Min(2, rows - 1) * stride),
            x3 = x + (Math.Min(3, rows - 1) * stride);
        Vector512<float> p0 = default, p1 = default, p2 = default, p3 = default, q0 = default, q1 = default,
            q2 = default, q3 = default;
        for (var k = 0; k < depth; k += 2, p += 2 * Panel.Lanes, q += 2 * Panel.Lanes, nextP += 2 * Panel.Lanes,
            nextQ += 2 * Panel.Lanes)
        {
            Panel.Prefetch(nextP);
            Panel.Prefetch(nextQ);
            var (pEven, pOdd) = T.LoadRows(p);
            var (qEven, qOdd) = T.LoadRows(q);
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
        Store(p1, q1, y + (Math.Min(1, rows - 1) * yStride), second);
        Store(p2, q2, y + (Math.Min(2, rows - 1) * yStride), second);
        Store(p3, q3, y + (Math.Min(3, rows - 1) * yStride), second);
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
