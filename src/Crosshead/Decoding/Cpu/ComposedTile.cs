using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Products of a panel of each of four cached rows, and of four heads that are composed of them, with 16 vectors, two
/// of each head. The sums and the rows stay in registers, so each cached number is loaded and converted once.
/// </summary>
internal static unsafe class ComposedTile
{
    /// <summary>Cached rows, and heads that are composed of them.</summary>
    public const int Heads = 4;

    /// <summary>Vectors of a tile.</summary>
    public const int Vectors = 16;

    /// <summary>Multiplies a panel.</summary>
    /// <param name="p">The panel of the first row.</param>
    /// <param name="stride">Elements from row to row.</param>
    /// <param name="depth">Rows of the panel to sum over, an even number.</param>
    /// <param name="mix">[4 heads, 4 rows]: the factors of the composed heads.</param>
    /// <param name="x">[depth, 16]: the vectors, head by head.</param>
    /// <param name="y">Where the sums of each vector go.</param>
    /// <param name="offset">Elements from there to the sums of this panel.</param>
    /// <param name="next">A panel to be prefetched, like <paramref name="p"/>.</param>
    /// <param name="add">Whether sums go on from those that are there.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<T>(T* p, long stride, int depth, float* mix, float* x, float** y, int offset, T* next,
        bool add) where T : unmanaged, IPanelElement<T>
    {
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default,
            a6 = default, a7 = default;
        Vector512<float> b0 = default, b1 = default, b2 = default, b3 = default, b4 = default, b5 = default,
            b6 = default, b7 = default;
        if (add)
        {
            (a0, a1) = (Vector512.Load(y[0] + offset), Vector512.Load(y[1] + offset));
            (a2, a3) = (Vector512.Load(y[2] + offset), Vector512.Load(y[3] + offset));
            (a4, a5) = (Vector512.Load(y[4] + offset), Vector512.Load(y[5] + offset));
            (a6, a7) = (Vector512.Load(y[6] + offset), Vector512.Load(y[7] + offset));
            (b0, b1) = (Vector512.Load(y[8] + offset), Vector512.Load(y[9] + offset));
            (b2, b3) = (Vector512.Load(y[10] + offset), Vector512.Load(y[11] + offset));
            (b4, b5) = (Vector512.Load(y[12] + offset), Vector512.Load(y[13] + offset));
            (b6, b7) = (Vector512.Load(y[14] + offset), Vector512.Load(y[15] + offset));
        }
        long second = 2 * stride, third = 3 * stride;
        for (var k = 0; k < depth; k += 2, p += 2 * Panel.Lanes, next += 2 * Panel.Lanes, x += 2 * Vectors)
        {
            Panel.Prefetch(next);
            Panel.Prefetch(next + stride);
            Panel.Prefetch(next + second);
            Panel.Prefetch(next + third);
            var (e0, o0) = T.LoadRows(p);
            var (e1, o1) = T.LoadRows(p + stride);
            var (e2, o2) = T.LoadRows(p + second);
            var (e3, o3) = T.LoadRows(p + third);
            Add(x, 0, e0, o0, ref a0);
            Add(x, 1, e0, o0, ref a1);
            Add(x, 2, e1, o1, ref a2);
            Add(x, 3, e1, o1, ref a3);
            Add(x, 4, e2, o2, ref a4);
            Add(x, 5, e2, o2, ref a5);
            Add(x, 6, e3, o3, ref a6);
            Add(x, 7, e3, o3, ref a7);
            Compose(mix, e0, o0, e1, o1, e2, o2, e3, o3, out var even, out var odd);
            Add(x, 8, even, odd, ref b0);
            Add(x, 9, even, odd, ref b1);
            Compose(mix + 4, e0, o0, e1, o1, e2, o2, e3, o3, out even, out odd);
            Add(x, 10, even, odd, ref b2);
            Add(x, 11, even, odd, ref b3);
            Compose(mix + 8, e0, o0, e1, o1, e2, o2, e3, o3, out even, out odd);
            Add(x, 12, even, odd, ref b4);
            Add(x, 13, even, odd, ref b5);
            Compose(mix + 12, e0, o0, e1, o1, e2, o2, e3, o3, out even, out odd);
            Add(x, 14, even, odd, ref b6);
            Add(x, 15, even, odd, ref b7);
        }
        a0.Store(y[0] + offset);
        a1.Store(y[1] + offset);
        a2.Store(y[2] + offset);
        a3.Store(y[3] + offset);
        a4.Store(y[4] + offset);
        a5.Store(y[5] + offset);
        a6.Store(y[6] + offset);
        a7.Store(y[7] + offset);
        b0.Store(y[8] + offset);
        b1.Store(y[9] + offset);
        b2.Store(y[10] + offset);
        b3.Store(y[11] + offset);
        b4.Store(y[12] + offset);
        b5.Store(y[13] + offset);
        b6.Store(y[14] + offset);
        b7.Store(y[15] + offset);
    }

    // Numbers k and k + 1 of a vector are 16 apart. Each sum is written twice, so that it stays in its register.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* x, int vector, Vector512<float> even, Vector512<float> odd, ref Vector512<float> sum)
    {
        sum = Vector512.FusedMultiplyAdd(even, Vector512.Create(x[vector]), sum);
        sum = Vector512.FusedMultiplyAdd(odd, Vector512.Create(x[Vectors + vector]), sum);
    }

    // Rows k and k + 1 of a composed head. The order of terms is that of heads that are composed in memory.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Compose(float* mix, Vector512<float> e0, Vector512<float> o0, Vector512<float> e1,
        Vector512<float> o1, Vector512<float> e2, Vector512<float> o2, Vector512<float> e3, Vector512<float> o3,
        out Vector512<float> even, out Vector512<float> odd)
    {
        var factor = Vector512.Create(mix[0]);
        even = e0 * factor;
        odd = o0 * factor;
        factor = Vector512.Create(mix[1]);
        even = Vector512.FusedMultiplyAdd(e1, factor, even);
        odd = Vector512.FusedMultiplyAdd(o1, factor, odd);
        factor = Vector512.Create(mix[2]);
        even = Vector512.FusedMultiplyAdd(e2, factor, even);
        odd = Vector512.FusedMultiplyAdd(o2, factor, odd);
        factor = Vector512.Create(mix[3]);
        even = Vector512.FusedMultiplyAdd(e3, factor, even);
        odd = Vector512.FusedMultiplyAdd(o3, factor, odd);
    }
}
