using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Crosshead.Generation.Cpu;

/// <summary>Sizes of panels, and the product of panels with vectors.</summary>
internal static unsafe class Panel
{
    /// <summary>Columns of a panel.</summary>
    public const int Lanes = 16;

    /// <summary>Depths are multiples of this; what lies beyond the true depth is multiplied by zeros.</summary>
    public const int DepthStep = 4;

    private const int CacheLine = 64; // bytes

    /// <summary>The next multiple of 16.</summary>
    public static int Round(int size) => (size + Lanes - 1) / Lanes * Lanes;

    /// <summary>The next multiple of <see cref="DepthStep"/>.</summary>
    public static int RoundDepth(int depth) => (depth + DepthStep - 1) / DepthStep * DepthStep;

    /// <summary>Number of panels for so many columns.</summary>
    public static int Count(int columns) => (columns + Lanes - 1) / Lanes;

    /// <summary>Products of panels with vectors: 16 sums a panel and vector. Memory is read once for all vectors.</summary>
    /// <param name="panel">The first panel.</param>
    /// <param name="panelStride">Elements from panel to panel.</param>
    /// <param name="panels">Number of panels.</param>
    /// <param name="depth">Rows to sum over, a multiple of <see cref="DepthStep"/>.</param>
    /// <param name="x">[rows, stride]</param>
    /// <param name="stride">Elements from vector to vector.</param>
    /// <param name="rows">Number of vectors.</param>
    /// <param name="y">[rows, yStride], gets the sums of the panels side by side.</param>
    /// <param name="yStride">Elements from result to result.</param>
    /// <param name="after">What will be read next, brought nearer at the end; null for nothing.</param>
    /// <param name="afterStride">Elements from there to the panel that will be read with it.</param>
    public static void Multiply<T>(T* panel, long panelStride, int panels, int depth, float* x, int stride, int rows, float* y, int yStride, T* after = null, long afterStride = 0) where T : unmanaged, IPanelElement<T>
    {
        for (; panels > 0; panels -= 2, panel += 2 * panelStride, y += 2 * Lanes)
        {
            // A last panel without a partner is its own, so that sums do not depend on how panels are shared out.
            var second = panels > 1 ? 1 : 0;
            T* p = panel, q = panel + (second * panelStride);
            // Hardware looks ahead to the end of a page of memory, and a panel is one. So while these panels are used the
            // next ones are brought nearer: by the first vectors the first, by the second the second.
            T* nextP = p, nextQ = q;
            if (panels > 2)
            {
                nextP += 2 * panelStride;
                nextQ += 2 * panelStride;
            }
            else if (after is not null)
            {
                nextP = after;
                nextQ = after + afterStride;
            }
            var row = 0;
            for (; row <= rows - 8; row += 8)
                Multiply8x2(p, q, row == 0 ? nextP : p, row > 0 || rows < 16 ? nextQ : q, depth, x + ((long)row * stride), stride, y + ((long)row * yStride), yStride, second * Lanes);
            float* restX = x + ((long)row * stride), restY = y + ((long)row * yStride);
            MultiplyRows(p, row == 0 ? nextP : p, depth, restX, stride, rows - row, restY, yStride);
            if (second > 0) MultiplyRows(q, row == 0 ? nextQ : q, depth, restX, stride, rows - row, restY + Lanes, yStride);
        }
    }

    private static void MultiplyRows<T>(T* panel, T* next, int depth, float* x, int stride, int rows, float* y, int yStride) where T : unmanaged, IPanelElement<T>
    {
        for (; rows >= 4; rows -= 4, x += 4 * stride, y += 4 * yStride, next = panel) Multiply4(panel, next, depth, x, stride, y, yStride);
        for (; rows > 0; rows--, x += stride, y += yStride) Multiply1(panel, depth, x).Store(y);
    }

    private static Vector512<float> Multiply1<T>(T* panel, int depth, float* x) where T : unmanaged, IPanelElement<T>
    {
        Vector512<float> a = default, b = default, c = default, d = default; // four sums hide the latency of the products
        for (var k = 0; k < depth; k += 4, panel += 4 * Lanes)
        {
            var (even, odd) = T.LoadRows(panel);
            a = Vector512.FusedMultiplyAdd(Vector512.Create(x[k]), even, a);
            b = Vector512.FusedMultiplyAdd(Vector512.Create(x[k + 1]), odd, b);
            (even, odd) = T.LoadRows(panel + (2 * Lanes));
            c = Vector512.FusedMultiplyAdd(Vector512.Create(x[k + 2]), even, c);
            d = Vector512.FusedMultiplyAdd(Vector512.Create(x[k + 3]), odd, d);
        }
        return a + b + (c + d);
    }

    private static void Multiply4<T>(T* panel, T* next, int depth, float* x, int stride, float* y, int yStride) where T : unmanaged, IPanelElement<T>
    {
        float* x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride;
        Vector512<float> a = default, b = default, c = default, d = default;     // of even elements
        Vector512<float> a1 = default, b1 = default, c1 = default, d1 = default; // of odd elements
        for (var k = 0; k < depth; k += 2, panel += 2 * Lanes, next += 2 * Lanes)
        {
            Prefetch(next);
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

    // Eight vectors and two panels: 16 sums, and an element that was loaded is used by 8 or by 2 of them, so that the
    // multipliers and not the loads are the limit.
    private static void Multiply8x2<T>(T* p, T* q, T* nextP, T* nextQ, int depth, float* x, int stride, float* y, int yStride, int second) where T : unmanaged, IPanelElement<T>
    {
        float* x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride, x4 = x3 + stride, x5 = x4 + stride, x6 = x5 + stride, x7 = x6 + stride;
        Vector512<float> p0 = default, p1 = default, p2 = default, p3 = default, p4 = default, p5 = default, p6 = default, p7 = default;
        Vector512<float> q0 = default, q1 = default, q2 = default, q3 = default, q4 = default, q5 = default, q6 = default, q7 = default;
        for (var k = 0; k < depth; k += 2, p += 2 * Lanes, q += 2 * Lanes, nextP += 2 * Lanes, nextQ += 2 * Lanes)
        {
            var (pEven, pOdd) = T.LoadRows(p);
            var (qEven, qOdd) = T.LoadRows(q);
            Prefetch(nextP);
            Prefetch(nextQ);
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

    // Brings the two rows at an address nearer.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch<T>(T* rows) where T : unmanaged, IPanelElement<T>
    {
        if (!Sse.IsSupported) return;
        Sse.Prefetch1(rows);
        if (2 * Lanes * sizeof(T) > CacheLine) Sse.Prefetch1((byte*)rows + CacheLine);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float x, Vector512<float> p, Vector512<float> q, ref Vector512<float> sumP, ref Vector512<float> sumQ)
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
