using Crosshead.Attention.Caches;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Scores and sums of heads that are composed from the cached components of a layer while these are read.
/// </summary>
internal sealed unsafe class ComposedPages<T>(PanelPages<T> pages, HeadLayout layout, HeadMix? keys, HeadMix? values)
    : MixedHeads(keys, values) where T : unmanaged, IPanelElement<T>
{
    private const int PageTokens = PageTables.PageTokens;

    private readonly HeadMix? _keys = keys, _values = values;
    private readonly int _panels = layout.HeadDim / Panel.Lanes;

    /// <inheritdoc/>
    public override void Score(int slot, AttentionSpan span, PanelVectors queries, PanelVectors scores, float* scratch)
    {
        ComposedPanels.Arrange(_keys!, queries, layout.HeadDim, scratch);
        for (int position = span.Start, length; position < span.End; position += length)
        {
            length = Math.Min(span.End, NextPage(position)) - position;
            var panel = pages.Key(slot, 0, position);
            var next = position + length < span.End ? pages.Key(slot, 0, position + length)
                : pages.Value(slot, 0, span.Start);
            ComposedPanels.Multiply(panel, (long)layout.HeadDim * Panel.Lanes, pages.KeyStride, Panel.Count(length),
                layout.HeadDim, _keys!, queries, scores.From(position - span.Start), next - panel, add: false, scratch);
        }
    }

    /// <inheritdoc/>
    public override void Sum(int slot, AttentionSpan span, PanelVectors weights, PanelVectors sums, float* scratch)
    {
        for (int position = span.Start, length; position < span.End; position += length)
        {
            length = Math.Min(span.End, NextPage(position)) - position;
            ComposedPanels.Arrange(_values!, weights.From(position - span.Start), length, scratch);
            var panel = pages.Value(slot, 0, position);
            var next = position + length < span.End ? pages.Value(slot, 0, position + length)
                : pages.Key(slot, 0, span.End);
            ComposedPanels.Multiply(panel, _panels * PanelPages<T>.ValueStride, PanelPages<T>.ValueStride, _panels,
                Panel.RoundDepth(length), _values!, weights.From(position - span.Start), sums, next - panel,
                add: position > span.Start, scratch);
        }
    }

    private static int NextPage(int position) => ((position / PageTokens) + 1) * PageTokens;
}
