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
        int fourth, bool add) where T : unmanaged, IPanelElement<T>
    {
        const int rows = 2 * Panel.Lanes;
        Vector512<float> a = default, b = default, c = default, d = default;
        if (add)
        {
            (a, b) = (Vector512.Load(y), Vector512.Load(y + second));
            (c, d) = (Vector512.Load(y + third), Vector512.Load(y + fourth));
        }
        for (var k = 0; k < depth; k += 2, x += T.WordsPerPair, p += rows, q += rows, r += rows, s += rows)
        {
            var pair = T.Broadcast(x);
            Add(p, pair, ref a);
            Add(q, pair, ref b);
            Add(r, pair, ref c);
            Add(s, pair, ref d);
        }
        a.Store(y);
        b.Store(y + second);
        c.Store(y + third);
        d.Store(y + fourth);
    }

    /// <summary>Multiplies eight panels that follow each other by one vector, for the same sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply1x8<T>(T* panel, long panelStride, int depth, float* x, float* y, bool add)
        where T : unmanaged, IPanelElement<T>
    {
        const int rows = 2 * Panel.Lanes;
        T* p0 = panel, p1 = p0 + panelStride, p2 = p1 + panelStride, p3 = p2 + panelStride, p4 = p3 + panelStride,
            p5 = p4 + panelStride, p6 = p5 + panelStride, p7 = p6 + panelStride;
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default,
            a6 = default, a7 = default;
        if (add)
        {
            (a0, a1) = (Vector512.Load(y), Vector512.Load(y + Panel.Lanes));
            (a2, a3) = (Vector512.Load(y + (2 * Panel.Lanes)), Vector512.Load(y + (3 * Panel.Lanes)));
            (a4, a5) = (Vector512.Load(y + (4 * Panel.Lanes)), Vector512.Load(y + (5 * Panel.Lanes)));
            (a6, a7) = (Vector512.Load(y + (6 * Panel.Lanes)), Vector512.Load(y + (7 * Panel.Lanes)));
        }
        for (var k = 0; k < depth; k += 2, x += T.WordsPerPair, p0 += rows, p1 += rows, p2 += rows, p3 += rows,
            p4 += rows, p5 += rows, p6 += rows, p7 += rows)
        {
            var pair = T.Broadcast(x);
            AddAhead(p0, pair, ref a0);
            AddAhead(p1, pair, ref a1);
            AddAhead(p2, pair, ref a2);
            AddAhead(p3, pair, ref a3);
            AddAhead(p4, pair, ref a4);
            AddAhead(p5, pair, ref a5);
            AddAhead(p6, pair, ref a6);
            AddAhead(p7, pair, ref a7);
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

    /// <summary>
    /// Multiplies two panels by up to four vectors: 8 sums, each once or twice. The next two panels are prefetched.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply4x2<T>(T* p, T* q, T* nextP, T* nextQ, int depth, float* x, int stride, int rows,
        float* y, int yStride, int second, bool add) where T : unmanaged, IPanelElement<T>
    {
        if (!CpuVectors.Are512Bits)
        {
            PanelHalfTiles.Multiply4x2(p, q, nextP, nextQ, depth, x, stride, rows, y, yStride, second, add);
            return;
        }
        // where there are fewer vectors the last one is multiplied again
        var (r1, r2, r3) = (Math.Min(1, rows - 1), Math.Min(2, rows - 1), Math.Min(3, rows - 1));
        float* x1 = x + (r1 * stride), x2 = x + (r2 * stride), x3 = x + (r3 * stride);
        float* y1 = y + (r1 * yStride), y2 = y + (r2 * yStride), y3 = y + (r3 * yStride);
        Vector512<float> p0 = default, p1 = default, p2 = default, p3 = default, q0 = default, q1 = default,
            q2 = default, q3 = default;
        if (add)
        {
            Load(y, second, ref p0, ref q0);
            Load(y1, second, ref p1, ref q1);
            Load(y2, second, ref p2, ref q2);
            Load(y3, second, ref p3, ref q3);
        }
        for (int k = 0, w = 0; k < depth; k += 2, w += T.WordsPerPair, p += 2 * Panel.Lanes, q += 2 * Panel.Lanes,
            nextP += 2 * Panel.Lanes, nextQ += 2 * Panel.Lanes)
        {
            Panel.Prefetch(nextP);
            Panel.Prefetch(nextQ);
            var pRows = T.LoadRows(p);
            var qRows = T.LoadRows(q);
            Add<T>(x + w, pRows, qRows, ref p0, ref q0);
            Add<T>(x1 + w, pRows, qRows, ref p1, ref q1);
            Add<T>(x2 + w, pRows, qRows, ref p2, ref q2);
            Add<T>(x3 + w, pRows, qRows, ref p3, ref q3);
        }
        Store(p0, q0, y, second);
        Store(p1, q1, y1, second);
        Store(p2, q2, y2, second);
        Store(p3, q3, y3, second);
    }

    /// <summary>
    /// Multiplies two panels by eight vectors: 16 sums. A loaded element is used by 8 or by 2 sums. So the multipliers
    /// are the limit, not the loads.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply8x2<T>(T* p, T* q, T* nextP, T* nextQ, int depth, float* x, int stride, float* y,
        int yStride, int second, bool add) where T : unmanaged, IPanelElement<T>
    {
        if (!CpuVectors.Are512Bits)
        {
            PanelHalfTiles.Multiply8x2(p, q, nextP, nextQ, depth, x, stride, y, yStride, second, add);
            return;
        }
        float* x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride, x4 = x3 + stride, x5 = x4 + stride,
            x6 = x5 + stride, x7 = x6 + stride;
        Vector512<float> p0 = default, p1 = default, p2 = default, p3 = default, p4 = default, p5 = default,
            p6 = default, p7 = default;
        Vector512<float> q0 = default, q1 = default, q2 = default, q3 = default, q4 = default, q5 = default,
            q6 = default, q7 = default;
        if (add)
        {
            Load(y, second, ref p0, ref q0);
            Load(y + yStride, second, ref p1, ref q1);
            Load(y + (2 * yStride), second, ref p2, ref q2);
            Load(y + (3 * yStride), second, ref p3, ref q3);
            Load(y + (4 * yStride), second, ref p4, ref q4);
            Load(y + (5 * yStride), second, ref p5, ref q5);
            Load(y + (6 * yStride), second, ref p6, ref q6);
            Load(y + (7 * yStride), second, ref p7, ref q7);
        }
        for (int k = 0, w = 0; k < depth; k += 2, w += T.WordsPerPair, p += 2 * Panel.Lanes, q += 2 * Panel.Lanes,
            nextP += 2 * Panel.Lanes, nextQ += 2 * Panel.Lanes)
        {
            var pRows = T.LoadRows(p);
            var qRows = T.LoadRows(q);
            Panel.Prefetch(nextP);
            Panel.Prefetch(nextQ);
            Add<T>(x + w, pRows, qRows, ref p0, ref q0);
            Add<T>(x1 + w, pRows, qRows, ref p1, ref q1);
            Add<T>(x2 + w, pRows, qRows, ref p2, ref q2);
            Add<T>(x3 + w, pRows, qRows, ref p3, ref q3);
            Add<T>(x4 + w, pRows, qRows, ref p4, ref q4);
            Add<T>(x5 + w, pRows, qRows, ref p5, ref q5);
            Add<T>(x6 + w, pRows, qRows, ref p6, ref q6);
            Add<T>(x7 + w, pRows, qRows, ref p7, ref q7);
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

    /// <summary>Multiplies two panels by nine or ten vectors, with registers of 512 bits: 20 sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply10x2<T>(T* p, T* q, T* nextP, T* nextQ, int depth, float* x, int stride, int rows,
        float* y, int yStride, int second, bool add) where T : unmanaged, IPanelElement<T>
    {
        // where there are nine the last one is multiplied again
        var last = rows - 1;
        float* x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride, x4 = x3 + stride, x5 = x4 + stride,
            x6 = x5 + stride, x7 = x6 + stride, x8 = x7 + stride, x9 = x + (last * stride);
        Vector512<float> p0 = default, p1 = default, p2 = default, p3 = default, p4 = default, p5 = default,
            p6 = default, p7 = default, p8 = default, p9 = default;
        Vector512<float> q0 = default, q1 = default, q2 = default, q3 = default, q4 = default, q5 = default,
            q6 = default, q7 = default, q8 = default, q9 = default;
        if (add)
        {
            Load(y, second, ref p0, ref q0);
            Load(y + yStride, second, ref p1, ref q1);
            Load(y + (2 * yStride), second, ref p2, ref q2);
            Load(y + (3 * yStride), second, ref p3, ref q3);
            Load(y + (4 * yStride), second, ref p4, ref q4);
            Load(y + (5 * yStride), second, ref p5, ref q5);
            Load(y + (6 * yStride), second, ref p6, ref q6);
            Load(y + (7 * yStride), second, ref p7, ref q7);
            Load(y + (8 * yStride), second, ref p8, ref q8);
            Load(y + (last * yStride), second, ref p9, ref q9);
        }
        for (int k = 0, w = 0; k < depth; k += 2, w += T.WordsPerPair, p += 2 * Panel.Lanes, q += 2 * Panel.Lanes,
            nextP += 2 * Panel.Lanes, nextQ += 2 * Panel.Lanes)
        {
            var pRows = T.LoadRows(p);
            var qRows = T.LoadRows(q);
            Panel.Prefetch(nextP);
            Panel.Prefetch(nextQ);
            Add<T>(x + w, pRows, qRows, ref p0, ref q0);
            Add<T>(x1 + w, pRows, qRows, ref p1, ref q1);
            Add<T>(x2 + w, pRows, qRows, ref p2, ref q2);
            Add<T>(x3 + w, pRows, qRows, ref p3, ref q3);
            Add<T>(x4 + w, pRows, qRows, ref p4, ref q4);
            Add<T>(x5 + w, pRows, qRows, ref p5, ref q5);
            Add<T>(x6 + w, pRows, qRows, ref p6, ref q6);
            Add<T>(x7 + w, pRows, qRows, ref p7, ref q7);
            Add<T>(x8 + w, pRows, qRows, ref p8, ref q8);
            Add<T>(x9 + w, pRows, qRows, ref p9, ref q9);
        }
        Store(p0, q0, y, second);
        Store(p1, q1, y + yStride, second);
        Store(p2, q2, y + (2 * yStride), second);
        Store(p3, q3, y + (3 * yStride), second);
        Store(p4, q4, y + (4 * yStride), second);
        Store(p5, q5, y + (5 * yStride), second);
        Store(p6, q6, y + (6 * yStride), second);
        Store(p7, q7, y + (7 * yStride), second);
        Store(p8, q8, y + (8 * yStride), second);
        Store(p9, q9, y + (last * yStride), second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<T>(T* rows, (Vector512<float>, Vector512<float>) pair, ref Vector512<float> sum)
        where T : unmanaged, IPanelElement<T> => T.MultiplyAdd(pair, T.LoadRows(rows), ref sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddAhead<T>(T* rows, (Vector512<float>, Vector512<float>) pair, ref Vector512<float> sum)
        where T : unmanaged, IPanelElement<T>
    {
        // Hardware loses eight streams at each end of a page of memory.
        Panel.Prefetch(rows + (Ahead * Panel.Lanes));
        Add(rows, pair, ref sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Add<T>(float* x, (Vector512<float>, Vector512<float>) p,
        (Vector512<float>, Vector512<float>) q, ref Vector512<float> sumP, ref Vector512<float> sumQ)
        where T : unmanaged, IPanelElement<T>
    {
        var pair = T.Broadcast(x);
        T.MultiplyAdd(pair, p, ref sumP);
        T.MultiplyAdd(pair, q, ref sumQ);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Load(float* y, int second, ref Vector512<float> p, ref Vector512<float> q) =>
        (p, q) = (Vector512.Load(y), Vector512.Load(y + second));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Store(Vector512<float> p, Vector512<float> q, float* y, int second)
    {
        p.Store(y);
        q.Store(y + second);
    }
}
