using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Runtime;
using static Crosshead.Decoding.Cpu.PanelTiles;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Products of vectors with panels of heads that are composed from the panels of their components. A composed panel
/// stays in registers for few vectors, and in the first-level cache for many. The sums are the same bit for bit.
/// </summary>
internal static unsafe class ComposedPanels
{
    private const int Few = 4; // vectors

    /// <summary>Floats of memory that <see cref="Multiply"/> needs, for a depth.</summary>
    public static int Scratch(int depth) => 2 * depth * Panel.Lanes;

    /// <summary>
    /// Multiplies panels of all heads by their vectors, as <see cref="Panel.Multiply"/> multiplies panels.
    /// </summary>
    /// <param name="panel">The first panel of the first component.</param>
    /// <param name="componentStride">Elements from component to component.</param>
    /// <param name="panelStride">Elements from panel to panel of a component.</param>
    /// <param name="panels">Panels of a component.</param>
    /// <param name="depth">Rows to sum over, an even number.</param>
    /// <param name="mix">The mix.</param>
    /// <param name="x">The vectors, as many of each head after those of the head before it.</param>
    /// <param name="y">Receives the sums of the panels side by side.</param>
    /// <param name="ahead">Elements from a panel to the memory that is prefetched while the panel is used.</param>
    /// <param name="add">Whether sums go on from those in <paramref name="y"/>.</param>
    /// <param name="scratch">Memory of the thread.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<T>(T* panel, long componentStride, long panelStride, int panels, int depth, HeadMix mix,
        PanelVectors x, PanelVectors y, long ahead, bool add, float* scratch) where T : unmanaged, IPanelElement<T>
    {
        var rows = x.Count / mix.Groups;
        var together = rows <= Few && CpuVectors.Are512Bits ? 2 : 1; // heads
        for (var first = 0; first < panels; first += 2, panel += 2 * panelStride)
        {
            // A last panel without a partner is paired with itself.
            var second = first + 1 < panels ? 1 : 0;
            var q = panel + (second * panelStride);
            for (var group = 0; group < mix.Groups; group += together)
            {
                // Each component's next panels are prefetched by one head's products, so that all are asked for once.
                var part = group / together;
                var next = part < mix.Components ? panel + (part * componentStride) + ahead : panel;
                var target = y[group * rows] + (first * Panel.Lanes);
                if (together == 2)
                {
                    // A last head without a partner is paired with itself.
                    var other = group + 1 < mix.Groups ? 1 : 0;
                    var heads = new Heads(mix.Components, mix[group], mix[group + other], x[group * rows], x.Stride,
                        target, y.Stride, rows, other * rows);
                    var apart = second * Panel.Lanes;
                    if (rows <= 2) MultiplyTwo(panel, q, componentStride, depth, heads, apart, next, add);
                    else MultiplyFour(panel, q, componentStride, depth, heads, apart, next, add);
                    continue;
                }
                Compose(panel, componentStride, mix.Components, mix[group], depth, scratch, next);
                if (second > 0)
                    Compose(q, componentStride, mix.Components, mix[group], depth, scratch + (depth * Panel.Lanes),
                        next + panelStride);
                Panel.Multiply((PanelFloat32*)scratch, (long)depth * Panel.Lanes, second + 1, depth, x[group * rows],
                    x.Stride, rows, target, y.Stride, 0, add);
            }
        }
    }

    // [depth, 16]: the rows of a head's panel.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Compose<T>(T* panel, long componentStride, int components, float* mix, int depth, float* target,
        T* next) where T : unmanaged, IPanelElement<T>
    {
        const int half = Panel.Lanes / 2;
        for (var k = 0; k < depth; k += 2, panel += 2 * Panel.Lanes, next += 2 * Panel.Lanes, target += 2 * Panel.Lanes)
        {
            Panel.Prefetch(next);
            for (var part = 0; part < 2; part++)
            {
                Vector256<float> even = default, odd = default;
                var component = panel;
                for (var c = 0; c < components; c++, component += componentStride)
                {
                    var factor = Vector256.Create(mix[c]);
                    var (e, o) = T.LoadHalfRows(component, part);
                    even = Vector256.FusedMultiplyAdd(e, factor, even);
                    odd = Vector256.FusedMultiplyAdd(o, factor, odd);
                }
                even.Store(target + (part * half));
                odd.Store(target + Panel.Lanes + (part * half));
            }
        }
    }

    // Two panels of two heads by up to two vectors a head. A single vector is multiplied twice.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyTwo<T>(T* p, T* q, long componentStride, int depth, in Heads heads, int second, T* next,
        bool add) where T : unmanaged, IPanelElement<T>
    {
        var components = heads.Components;
        float* mixA = heads.MixA, mixB = heads.MixB;
        float* x0 = heads.X(0), x1 = heads.X(1), x2 = heads.OtherX(0), x3 = heads.OtherX(1);
        float* y0 = heads.Y(0), y1 = heads.Y(1), y2 = heads.OtherY(0), y3 = heads.OtherY(1);
        Vector512<float> p0 = default, p1 = default, p2 = default, p3 = default, q0 = default, q1 = default,
            q2 = default, q3 = default;
        if (add)
        {
            Load(y0, second, ref p0, ref q0);
            Load(y1, second, ref p1, ref q1);
            Load(y2, second, ref p2, ref q2);
            Load(y3, second, ref p3, ref q3);
        }
        var apart = q - p;
        for (var k = 0; k < depth; k += 2, p += 2 * Panel.Lanes, next += 2 * Panel.Lanes)
        {
            Panel.Prefetch(next);
            Panel.Prefetch(next + apart);
            Vector512<float> pe = default, po = default, qe = default, qo = default; // rows of the first head
            Vector512<float> re = default, ro = default, se = default, so = default; // and of the other
            var component = p;
            for (var c = 0; c < components; c++, component += componentStride)
                AddComponent(component, component + apart, mixA[c], mixB[c], ref pe, ref po, ref qe, ref qo, ref re,
                    ref ro, ref se, ref so);
            Add<T>(x0 + k, (pe, po), (qe, qo), ref p0, ref q0);
            Add<T>(x1 + k, (pe, po), (qe, qo), ref p1, ref q1);
            Add<T>(x2 + k, (re, ro), (se, so), ref p2, ref q2);
            Add<T>(x3 + k, (re, ro), (se, so), ref p3, ref q3);
        }
        Store(p0, q0, y0, second);
        Store(p1, q1, y1, second);
        Store(p2, q2, y2, second);
        Store(p3, q3, y3, second);
    }

    // The same for three or four vectors a head. Of three the last is multiplied twice.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyFour<T>(T* p, T* q, long componentStride, int depth, in Heads heads, int second,
        T* next, bool add) where T : unmanaged, IPanelElement<T>
    {
        var components = heads.Components;
        float* mixA = heads.MixA, mixB = heads.MixB;
        float* x0 = heads.X(0), x1 = heads.X(1), x2 = heads.X(2), x3 = heads.X(3), x4 = heads.OtherX(0),
            x5 = heads.OtherX(1), x6 = heads.OtherX(2), x7 = heads.OtherX(3);
        Vector512<float> p0 = default, p1 = default, p2 = default, p3 = default, p4 = default, p5 = default,
            p6 = default, p7 = default;
        Vector512<float> q0 = default, q1 = default, q2 = default, q3 = default, q4 = default, q5 = default,
            q6 = default, q7 = default;
        if (add)
        {
            Load(heads.Y(0), second, ref p0, ref q0);
            Load(heads.Y(1), second, ref p1, ref q1);
            Load(heads.Y(2), second, ref p2, ref q2);
            Load(heads.Y(3), second, ref p3, ref q3);
            Load(heads.OtherY(0), second, ref p4, ref q4);
            Load(heads.OtherY(1), second, ref p5, ref q5);
            Load(heads.OtherY(2), second, ref p6, ref q6);
            Load(heads.OtherY(3), second, ref p7, ref q7);
        }
        var apart = q - p;
        for (var k = 0; k < depth; k += 2, p += 2 * Panel.Lanes, next += 2 * Panel.Lanes)
        {
            Panel.Prefetch(next);
            Panel.Prefetch(next + apart);
            Vector512<float> pe = default, po = default, qe = default, qo = default; // rows of the first head
            Vector512<float> re = default, ro = default, se = default, so = default; // and of the other
            var component = p;
            for (var c = 0; c < components; c++, component += componentStride)
                AddComponent(component, component + apart, mixA[c], mixB[c], ref pe, ref po, ref qe, ref qo, ref re,
                    ref ro, ref se, ref so);
            Add<T>(x0 + k, (pe, po), (qe, qo), ref p0, ref q0);
            Add<T>(x1 + k, (pe, po), (qe, qo), ref p1, ref q1);
            Add<T>(x2 + k, (pe, po), (qe, qo), ref p2, ref q2);
            Add<T>(x3 + k, (pe, po), (qe, qo), ref p3, ref q3);
            Add<T>(x4 + k, (re, ro), (se, so), ref p4, ref q4);
            Add<T>(x5 + k, (re, ro), (se, so), ref p5, ref q5);
            Add<T>(x6 + k, (re, ro), (se, so), ref p6, ref q6);
            Add<T>(x7 + k, (re, ro), (se, so), ref p7, ref q7);
        }
        Store(p0, q0, heads.Y(0), second);
        Store(p1, q1, heads.Y(1), second);
        Store(p2, q2, heads.Y(2), second);
        Store(p3, q3, heads.Y(3), second);
        Store(p4, q4, heads.OtherY(0), second);
        Store(p5, q5, heads.OtherY(1), second);
        Store(p6, q6, heads.OtherY(2), second);
        Store(p7, q7, heads.OtherY(3), second);
    }

    // Adds rows k and k + 1 of a component's two panels to those of two heads.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddComponent<T>(T* p, T* q, float first, float other, ref Vector512<float> pe,
        ref Vector512<float> po, ref Vector512<float> qe, ref Vector512<float> qo, ref Vector512<float> re,
        ref Vector512<float> ro, ref Vector512<float> se, ref Vector512<float> so) where T : unmanaged, IPanelElement<T>
    {
        var (a, b) = (Vector512.Create(first), Vector512.Create(other));
        var (even, odd) = T.LoadRows(p);
        pe = Vector512.FusedMultiplyAdd(even, a, pe);
        po = Vector512.FusedMultiplyAdd(odd, a, po);
        re = Vector512.FusedMultiplyAdd(even, b, re);
        ro = Vector512.FusedMultiplyAdd(odd, b, ro);
        (even, odd) = T.LoadRows(q);
        qe = Vector512.FusedMultiplyAdd(even, a, qe);
        qo = Vector512.FusedMultiplyAdd(odd, a, qo);
        se = Vector512.FusedMultiplyAdd(even, b, se);
        so = Vector512.FusedMultiplyAdd(odd, b, so);
    }

    // Two heads, the vectors of each, and where the sums go. The other head's follow those of the first.
    private readonly struct Heads(int components, float* mixA, float* mixB, float* x, int stride, float* y, int yStride,
        int rows, int other)
    {
        public int Components => components;

        public float* MixA => mixA;

        public float* MixB => mixB;

        public float* X(int row) => x + ((long)Math.Min(row, rows - 1) * stride);

        public float* OtherX(int row) => X(row) + ((long)other * stride);

        public float* Y(int row) => y + ((long)Math.Min(row, rows - 1) * yStride);

        public float* OtherY(int row) => Y(row) + ((long)other * yStride);
    }
}
