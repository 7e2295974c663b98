using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Attention.Caches;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Multiplies cached rows as they are. A row that is a kept head is multiplied by the vectors of this head, and every
/// row by those of the heads that are not kept: their queries have absorbed the mix, and their sums with each row are
/// mixed at the end. That takes more products than composing these heads, but two at once where vectors are rounded.
/// If all vectors of a row fit into a tile, they are multiplied side by side, so that memory is asked evenly for what
/// comes next.
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
        var (mixed, own) = CountsOf(mix, rows);
        var (inputs, sums) = (memory.Inputs(mixed + own), memory.Sums(mixed + own));
        // Rows are multiplied one after the other if the vectors of kept heads take part: their sums end with the row.
        var parts = own > 0 ? mix.Components : 1;
        var depth = layout.KeyWidth / parts;
        var size = (long)depth * Panel.Lanes;
        Gather(mix, queries, rows, Words(layout.KeyWidth), inputs);
        for (var c = 0; c < (own > 0 ? parts : 0); c++)
            GatherKept(mix, queries, rows, c, Words(depth), inputs, Words(c * depth));
        for (int position = span.Start, length; position < span.End; position += length)
        {
            length = Math.Min(span.End, NextPage(position)) - position;
            var panel = pages.Key(slot, 0, position);
            var next = position + length < span.End ? pages.Key(slot, 0, position + length)
                : pages.Value(slot, 0, span.Start);
            var target = scores.From(position - span.Start);
            for (int p = 0, panels = Panel.Count(length); p < panels; p += 2, panel += 2 * pages.KeyStride)
            {
                var (two, at) = (Math.Min(2, panels - p), p * Panel.Lanes);
                var (ahead, result) = (p + 2 < panels ? 2 * pages.KeyStride : next - panel, sums.From(at));
                for (var c = 0; c < parts; c++)
                {
                    for (var v = mixed; v < mixed + own; v++) new Span<float>(result[v], 2 * Panel.Lanes).Clear();
                    Multiply(panel + (c * size), pages.KeyStride, two, depth, inputs.From(Words(c * depth)), result,
                        ahead, add: c > 0);
                    for (var r = 0; r < own; r++)
                        Copy(result[mixed + r], target[(mix.Kept[c] * rows) + r] + at, two * Panel.Lanes);
                }
                for (var c = 0; c < (own > 0 ? 0 : mix.Kept.Length); c++)
                    Multiply(panel + ((long)c * _headDim * Panel.Lanes), pages.KeyStride, two, _headDim,
                        queries.Slice(mix.Kept[c] * rows, rows), target.Slice(mix.Kept[c] * rows, rows).From(at), 0,
                        add: false);
            }
            Scatter(mix, sums, rows, Panel.Round(length), target);
        }
    }

    /// <inheritdoc/>
    public override void Sum(int slot, AttentionSpan span, PanelVectors weights, PanelVectors sums, float* scratch)
    {
        var (mix, rows, memory) = (_values!, weights.Count / layout.Groups, new MixedVectors(layout, scratch));
        var (mixed, own) = CountsOf(mix, rows);
        var (inputs, products) = (memory.Inputs(mixed + own), memory.Sums(mixed + own));
        var panels = _headDim / Panel.Lanes;
        var (size, half) = (panels * PanelPages<T>.ValueStride, mix.Components / 2);
        for (int position = span.Start, length; position < span.End; position += length)
        {
            length = Math.Min(span.End, NextPage(position)) - position;
            var (page, words) = (weights.From(Words(position - span.Start)), Words(Panel.Round(length)));
            Gather(mix, page, rows, words, inputs);
            var panel = pages.Value(slot, 0, position);
            var next = position + length < span.End ? pages.Value(slot, 0, position + length)
                : pages.Key(slot, 0, span.End);
            for (var c = 0; c < mix.Components; c++)
            {
                if (own > 0) GatherKept(mix, page, rows, c, words, inputs, 0);
                // Half a page ahead.
                var asked = c + half < mix.Components ? panel + ((c + half) * size)
                    : next + ((c + half - mix.Components) * size);
                var from = panel + (c * size);
                var (depth, add) = (Panel.RoundDepth(length), position > span.Start);
                Multiply(from, PanelPages<T>.ValueStride, panels, depth, inputs, products.From(c * _headDim),
                    asked - from, add);
                if (own == 0 && c < mix.Kept.Length)
                    Multiply(from, PanelPages<T>.ValueStride, panels, depth, page.Slice(mix.Kept[c] * rows, rows),
                        sums.Slice(mix.Kept[c] * rows, rows), 0, add);
            }
        }
        for (var v = 0; v < mixed; v++)
        {
            var group = mix.Mixed[v / rows];
            mix.Compose(products[v], group, _headDim, sums[(group * rows) + (v % rows)]);
        }
        for (var c = 0; c < (own > 0 ? mix.Kept.Length : 0); c++)
            for (var r = 0; r < rows; r++)
                Copy(products[mixed + r] + (c * _headDim), sums[(mix.Kept[c] * rows) + r], _headDim);
    }

    // Vectors of the heads that are not kept, and those of a kept head that are multiplied beside them: all or none.
    private static (int Mixed, int Own) CountsOf(HeadMix mix, int rows)
    {
        var mixed = mix.Mixed.Length * rows;
        return (mixed, mix.Kept.Length > 0 && mixed + rows <= PanelPairTileWriter.Most ? rows : 0);
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
        for (var v = 0; v < mix.Mixed.Length * rows; v++)
            Copy(from[(mix.Mixed[v / rows] * rows) + (v % rows)], to[v], length);
    }

    // Copies those of a kept head behind them.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GatherKept(HeadMix mix, PanelVectors from, int rows, int kept, int length, PanelVectors to,
        int place)
    {
        for (var r = 0; r < rows; r++)
            Copy(from[(mix.Kept[kept] * rows) + r], to[(mix.Mixed.Length * rows) + r] + place, length);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scatter(HeadMix mix, PanelVectors from, int rows, int length, PanelVectors to)
    {
        for (var v = 0; v < mix.Mixed.Length * rows; v++)
            Copy(from[v], to[(mix.Mixed[v / rows] * rows) + (v % rows)], length);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy(float* from, float* to, int length)
    {
        for (var i = 0; i < length; i += Panel.Lanes) Vector512.Load(from + i).Store(to + i);
    }

    private static int NextPage(int position) => ((position / PageTokens) + 1) * PageTokens;
}
