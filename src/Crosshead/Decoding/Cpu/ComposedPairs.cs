using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static Crosshead.Decoding.Cpu.PanelTiles;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Products of two panels of two heads, which are composed in registers from any number of components. The memory that
/// is used next is prefetched component by component.
/// </summary>
internal static unsafe class ComposedPairs
{
    /// <summary>Multiplies by up to two vectors a head. A single vector is multiplied twice.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyTwo<T>(T* p, T* q, long stride, int depth, in HeadPair heads, int second, T* next,
        bool add) where T : unmanaged, IPanelElement<T>
    {
        float* x0 = heads.X(0), x1 = heads.X(1), x2 = heads.OtherX(0), x3 = heads.OtherX(1);
        Vector512<float> p0 = default, p1 = default, p2 = default, p3 = default;
        Vector512<float> q0 = default, q1 = default, q2 = default, q3 = default;
        if (add)
        {
            Load(heads.Y(0), second, ref p0, ref q0);
            Load(heads.Y(1), second, ref p1, ref q1);
            Load(heads.OtherY(0), second, ref p2, ref q2);
            Load(heads.OtherY(1), second, ref p3, ref q3);
        }
        var (components, apart) = (heads.Components, q - p);
        float* mixA = heads.MixA, mixB = heads.MixB;
        for (var k = 0; k < depth; k += 2, p += 2 * Panel.Lanes, next += 2 * Panel.Lanes)
        {
            Compose(p, apart, stride, components, mixA, mixB, next, out var pe, out var po,
                out var qe, out var qo, out var re, out var ro, out var se, out var so);
            Add<T>(x0 + k, (pe, po), (qe, qo), ref p0, ref q0);
            Add<T>(x1 + k, (pe, po), (qe, qo), ref p1, ref q1);
            Add<T>(x2 + k, (re, ro), (se, so), ref p2, ref q2);
            Add<T>(x3 + k, (re, ro), (se, so), ref p3, ref q3);
        }
        Store(p0, q0, heads.Y(0), second);
        Store(p1, q1, heads.Y(1), second);
        Store(p2, q2, heads.OtherY(0), second);
        Store(p3, q3, heads.OtherY(1), second);
    }

    /// <summary>Multiplies by three or four vectors a head. Of three the last is multiplied twice.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyFour<T>(T* p, T* q, long stride, int depth, in HeadPair heads, int second, T* next,
        bool add) where T : unmanaged, IPanelElement<T>
    {
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
        var (components, apart) = (heads.Components, q - p);
        float* mixA = heads.MixA, mixB = heads.MixB;
        for (var k = 0; k < depth; k += 2, p += 2 * Panel.Lanes, next += 2 * Panel.Lanes)
        {
            Compose(p, apart, stride, components, mixA, mixB, next, out var pe, out var po,
                out var qe, out var qo, out var re, out var ro, out var se, out var so);
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

    // Rows k and k + 1 of two panels of the first head (p, q) and of the other (r, s).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Compose<T>(T* p, long apart, long stride, int components, float* mixA, float* mixB, T* next,
        out Vector512<float> pe, out Vector512<float> po, out Vector512<float> qe, out Vector512<float> qo,
        out Vector512<float> re, out Vector512<float> ro, out Vector512<float> se, out Vector512<float> so)
        where T : unmanaged, IPanelElement<T>
    {
        (pe, po, qe, qo) = (default, default, default, default);
        (re, ro, se, so) = (default, default, default, default);
        for (var c = 0; c < components; c++, p += stride, next += stride, mixA++, mixB++)
        {
            Panel.Prefetch(next);
            var (a, b) = (Vector512.Create(*mixA), Vector512.Create(*mixB));
            var (even, odd) = T.LoadRows(p);
            pe = Vector512.FusedMultiplyAdd(even, a, pe);
            po = Vector512.FusedMultiplyAdd(odd, a, po);
            re = Vector512.FusedMultiplyAdd(even, b, re);
            ro = Vector512.FusedMultiplyAdd(odd, b, ro);
            (even, odd) = T.LoadRows(p + apart);
            qe = Vector512.FusedMultiplyAdd(even, a, qe);
            qo = Vector512.FusedMultiplyAdd(odd, a, qo);
            se = Vector512.FusedMultiplyAdd(even, b, se);
            so = Vector512.FusedMultiplyAdd(odd, b, so);
        }
    }
}
