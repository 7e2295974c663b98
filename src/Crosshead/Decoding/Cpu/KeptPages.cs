using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Attention.Caches;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Multiplies cached rows as they are. A row that is a kept head is multiplied by the vectors of this head, and every
/// row by those of the heads that are not kept: their queries have absorbed the mix, and their sums with each row are
/// mixed at the end. That takes more products than composing these heads, but two at once where vectors are rounded.
/// </summary>
internal sealed unsafe class KeptPages<T>(PanelPages<T> pages, HeadLayout layout, HeadMix? keys, HeadMix? values)
    : MixedHeads(keys, values) where T : unmanaged, IPanelElement<T>
{
    private const int PageTokens = PageTables.PageTokens;

    private readonly HeadMix? _keys = keys, _values = values;
    private readonly int _headDim = layout.HeadDim;

    /// <inheritdoc/>
    public override void Score(int slot, AttentionSpan span, PanelVectors queries, PanelVectors scores, float* scratch)
    {
        var (mix, rows, memory) = (_keys!, queries.Count / layout.Groups, new MixedVectors(layout, scratch));
        var count = mix.Mixed.Length * rows;
        var (inputs, products) = (memory.Inputs(count), memory.Sums(count));
        Gather(mix, queries, rows, Words(layout.KeyWidth), inputs);
        for (int position = span.Start, length; position < span.End; position += length)
        {
            length = Math.Min(span.End, NextPage(position)) - position;
            var panel = pages.Key(slot, 0, position);
            var next = position + length < span.End ? pages.Key(slot, 0, position + length)
                : pages.Value(slot, 0, span.Start);
            var (ahead, target) = (next - panel, scores.From(position - span.Start));
            // Two panels stay in the first cache until all vectors have multiplied them.
            for (int p = 0, panels = Panel.Count(length); p < panels; p += 2, panel += 2 * pages.KeyStride)
            {
                var (two, at) = (Math.Min(2, panels - p), p * Panel.Lanes);
                Multiply(panel, pages.KeyStride, two, layout.KeyWidth, inputs, products.From(at), ahead, add: false);
                for (var c = 0; c < mix.Kept.Length; c++)
                    Multiply(panel + ((long)c * _headDim * Panel.Lanes), pages.KeyStride, two, _headDim,
                        queries.Slice(mix.Kept[c] * rows, rows), target.Slice(mix.Kept[c] * rows, rows).From(at), 0,
                        add: false);
            }
            Scatter(mix, products, rows, Panel.Round(length), target);
        }
    }

    /// <inheritdoc/>
    public override void Sum(int slot, AttentionSpan span, PanelVectors weights, PanelVectors sums, float* scratch)
    {
        var (mix, rows, memory) = (_values!, weights.Count / layout.Groups, new MixedVectors(layout, scratch));
        var count = mix.Mixed.Length * rows;
        var (inputs, products) = (memory.Inputs(count), memory.Sums(count));
        var panels = _headDim / Panel.Lanes;
        for (int position = span.Start, length; position < span.End; position += length)
        {
            length = Math.Min(span.End, NextPage(position)) - position;
            var own = weights.From(Words(position - span.Start));
            Gather(mix, own, rows, Words(Panel.Round(length)), inputs);
            var panel = pages.Value(slot, 0, position);
            var next = position + length < span.End ? pages.Value(slot, 0, position + length)
                : pages.Key(slot, 0, span.End);
            var (ahead, depth, add) = (next - panel, Panel.RoundDepth(length), position > span.Start);
            for (var c = 0; c < mix.Components; c++, panel += panels * PanelPages<T>.ValueStride)
            {
                Multiply(panel, PanelPages<T>.ValueStride, panels, depth, inputs, products.From(c * _headDim), ahead,
                    add);
                if (c < mix.Kept.Length)
                    Multiply(panel, PanelPages<T>.ValueStride, panels, depth, own.Slice(mix.Kept[c] * rows, rows),
                        sums.Slice(mix.Kept[c] * rows, rows), 0, add);
            }
        }
        for (var v = 0; v < count; v++)
        {
            var group = mix.Mixed[v / rows];
            mix.Compose(products[v], group, _headDim, sums[(group * rows) + (v % rows)]);
        }
    }

    private static void Multiply(T* panel, long stride, int panels, int depth, PanelVectors x, PanelVectors y,
        long ahead, bool add) => Panel.Multiply(panel, stride, panels, depth, x.Pointer, x.Stride, x.Count, y.Pointer,
            y.Stride, ahead, add);

    // Words of encoded numbers.
    private static int Words(int numbers) => numbers / 2 * T.WordsPerPair;

    // Copies the vectors of the heads that are not kept, up to a multiple of 16 words, to lie side by side.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gather(HeadMix mix, PanelVectors from, int rows, int length, PanelVectors to)
    {
        for (var v = 0; v < to.Count; v++)
            Copy(from[(mix.Mixed[v / rows] * rows) + (v % rows)], to[v], length);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scatter(HeadMix mix, PanelVectors from, int rows, int length, PanelVectors to)
    {
        for (var v = 0; v < from.Count; v++)
            Copy(from[v], to[(mix.Mixed[v / rows] * rows) + (v % rows)], length);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy(float* from, float* to, int length)
    {
        for (var i = 0; i < length; i += Panel.Lanes) Vector512.Load(from + i).Store(to + i);
    }

    private static int NextPage(int position) => ((position / PageTokens) + 1) * PageTokens;
}
