using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Crosshead.Runtime;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Products of vectors with panels of heads that are composed from the panels of their components. A composed panel
/// stays in registers for few vectors, and in the first-level cache for many. The sums are the same bit for bit.
/// </summary>
internal static unsafe class ComposedPanels
{
    private const int Few = 4, // vectors of a head
        MostTiled = ComposedTile.Vectors / (2 * ComposedTile.Heads); // of a head in a tile

    /// <summary>Floats of memory that <see cref="Multiply"/> needs, for a depth.</summary>
    public static int Scratch(int depth) => 2 * Panel.RoundDepth(depth) * Panel.Lanes;

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
    /// <param name="scratch">Memory of the thread, in which <see cref="Arrange"/> has put the vectors.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<T>(T* panel, long componentStride, long panelStride, int panels, int depth, HeadMix mix,
        PanelVectors x, PanelVectors y, long ahead, bool add, float* scratch) where T : unmanaged, IPanelElement<T>
    {
        var rows = x.Count / mix.Groups;
        var isFew = rows <= Few && CpuVectors.Are512Bits;
        var isTiled = IsTiled(mix, rows);
        // What is used next is asked for while heads are composed, as that takes longest; once in all.
        var asksMixed = mix.Kept.Length == 0 || (isFew && mix.Mixed.Length > 2 && !isTiled);
        var factors = stackalloc float[ComposedTile.Heads * ComposedTile.Heads];
        var sums = stackalloc float*[ComposedTile.Vectors];
        if (isTiled) PrepareTile(mix, y, rows, factors, sums);
        for (var first = 0; first < panels; first += 2, panel += 2 * panelStride)
        {
            // A last panel without a partner is paired with itself.
            var second = first + 1 < panels ? 1 : 0;
            var q = panel + (second * panelStride);
            var target = y.From(first * Panel.Lanes);
            if (isTiled)
            {
                var offset = first * Panel.Lanes;
                ComposedTile.Multiply(panel, componentStride, depth, factors, scratch, sums, offset, panel + ahead,
                    add);
                if (second > 0)
                    ComposedTile.Multiply(q, componentStride, depth, factors, scratch, sums, offset + Panel.Lanes,
                        q + ahead, add);
            }
            for (var c = 0; c < (isTiled ? 0 : mix.Kept.Length); c++)
                Panel.Multiply(panel + (c * componentStride), panelStride, second + 1, depth, x[mix.Kept[c] * rows],
                    x.Stride, rows, target[mix.Kept[c] * rows], y.Stride, asksMixed ? 0 : ahead, add);
            for (var n = isTiled ? ComposedTile.Heads : 0; n < mix.Mixed.Length; n += isFew ? 2 : 1)
            {
                var group = mix.Mixed[n];
                if (!isFew)
                {
                    var next = panel + (asksMixed && n < mix.Components ? (n * componentStride) + ahead : 0);
                    Compose(panel, componentStride, mix.Components, mix[group], depth, scratch, next);
                    if (second > 0)
                        Compose(q, componentStride, mix.Components, mix[group], depth, scratch + (depth * Panel.Lanes),
                            next + panelStride);
                    Panel.Multiply((PanelFloat32*)scratch, (long)depth * Panel.Lanes, second + 1, depth,
                        x[group * rows], x.Stride, rows, target[group * rows], y.Stride, 0, add);
                    continue;
                }
                // A last head without a partner is paired with itself.
                var other = mix.Mixed[Math.Min(n + 1, mix.Mixed.Length - 1)];
                var heads = new HeadPair(mix.Components, mix[group], mix[other], x[group * rows], x.Stride,
                    target[group * rows], y.Stride, rows, (other - group) * rows);
                // The first two heads ask for the next panels like the first, two others for those like the second.
                var asked = !asksMixed || n > 2 ? panel : (n == 0 ? panel : q) + ahead;
                var apart = second * Panel.Lanes;
                if (rows <= 2) ComposedPairs.MultiplyTwo(panel, q, componentStride, depth, heads, apart, asked, add);
                else ComposedPairs.MultiplyFour(panel, q, componentStride, depth, heads, apart, asked, add);
            }
        }
    }

    /// <summary>
    /// Puts vectors side by side, [depth, 16], where a <see cref="ComposedTile"/> multiplies them.
    /// </summary>
    /// <param name="mix">The mix.</param>
    /// <param name="x">The vectors.</param>
    /// <param name="depth">Their length; they can be read up to the next multiple of four.</param>
    /// <param name="scratch">Receives them.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Arrange(HeadMix mix, PanelVectors x, int depth, float* scratch)
    {
        const int vectors = ComposedTile.Vectors;
        var rows = x.Count / mix.Groups;
        if (!IsTiled(mix, rows)) return;
        for (var n = 0; n < vectors; n += 4)
        {
            float* x0 = x[VectorOf(mix, n, rows)], x1 = x[VectorOf(mix, n + 1, rows)],
                x2 = x[VectorOf(mix, n + 2, rows)], x3 = x[VectorOf(mix, n + 3, rows)];
            var target = scratch + n;
            for (var k = 0; k < depth; k += 4, target += 4 * vectors)
            {
                var (a, b) = (Vector128.Load(x0 + k), Vector128.Load(x1 + k));
                var (c, d) = (Vector128.Load(x2 + k), Vector128.Load(x3 + k));
                var (ab, cd) = (Sse.UnpackLow(a, b), Sse.UnpackLow(c, d));
                Sse.MoveLowToHigh(ab, cd).Store(target);
                Sse.MoveHighToLow(cd, ab).Store(target + vectors);
                (ab, cd) = (Sse.UnpackHigh(a, b), Sse.UnpackHigh(c, d));
                Sse.MoveLowToHigh(ab, cd).Store(target + (2 * vectors));
                Sse.MoveHighToLow(cd, ab).Store(target + (3 * vectors));
            }
        }
    }

    private static bool IsTiled(HeadMix mix, int rows) => rows <= MostTiled && CpuVectors.Are512Bits
        && mix.Kept.Length == ComposedTile.Heads && mix.Mixed.Length >= ComposedTile.Heads;

    // The vector at a place of the tile: of the kept heads, then of the first that are composed. One vector fills both
    // places of its head.
    private static int VectorOf(HeadMix mix, int place, int rows)
    {
        var (head, row) = Math.DivRem(place, MostTiled);
        return ((head < ComposedTile.Heads ? mix.Kept[head] : mix.Mixed[head - ComposedTile.Heads]) * rows)
            + Math.Min(row, rows - 1);
    }

    private static void PrepareTile(HeadMix mix, PanelVectors y, int rows, float* factors, float** sums)
    {
        for (var n = 0; n < ComposedTile.Heads * ComposedTile.Heads; n++)
            factors[n] = mix[mix.Mixed[n / ComposedTile.Heads]][n % ComposedTile.Heads];
        for (var n = 0; n < ComposedTile.Vectors; n++) sums[n] = y[VectorOf(mix, n, rows)];
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
}
