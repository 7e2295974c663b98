using Crosshead.Attention.Caches;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Scores and sums of heads that are composed from the cached components of a layer while these are read.
/// </summary>
internal sealed unsafe class ComposedPages<T>(PanelPages<T> pages, HeadLayout layout, HeadMix? keys, HeadMix? values)
    where T : unmanaged, IPanelElement<T>
{
    private const int PageTokens = PageTables.PageTokens;

    private readonly int _panels = layout.HeadDim / Panel.Lanes;

    /// <summary>Whether key heads are composed.</summary>
    public bool HasKeys => keys is not null;

    /// <summary>Whether value heads are composed.</summary>
    public bool HasValues => values is not null;

    /// <summary>Scores of the positions of a span with the queries of all heads.</summary>
    /// <param name="slot">The sequence's slot.</param>
    /// <param name="span">The positions.</param>
    /// <param name="queries">The queries, head by head.</param>
    /// <param name="scores">Receives the scores.</param>
    /// <param name="scratch">Memory of the thread.</param>
    public void Score(int slot, AttentionSpan span, PanelVectors queries, PanelVectors scores, float* scratch)
    {
        ComposedPanels.Arrange(keys!, queries, layout.HeadDim, scratch);
        for (int position = span.Start, length; position < span.End; position += length)
        {
            length = Math.Min(span.End, NextPage(position)) - position;
            var panel = pages.Key(slot, 0, position);
            var next = position + length < span.End ? pages.Key(slot, 0, position + length)
                : pages.Value(slot, 0, span.Start);
            ComposedPanels.Multiply(panel, (long)layout.HeadDim * Panel.Lanes, pages.KeyStride, Panel.Count(length),
                layout.HeadDim, keys!, queries, scores.From(position - span.Start), next - panel, add: false, scratch);
        }
    }

    /// <summary>Sums of the values of a span by the weights of all heads.</summary>
    /// <param name="slot">The sequence's slot.</param>
    /// <param name="span">The positions.</param>
    /// <param name="weights">The weights, head by head; 0 after the span.</param>
    /// <param name="sums">Receives the sums.</param>
    /// <param name="scratch">Memory of the thread.</param>
    public void Sum(int slot, AttentionSpan span, PanelVectors weights, PanelVectors sums, float* scratch)
    {
        for (int position = span.Start, length; position < span.End; position += length)
        {
            length = Math.Min(span.End, NextPage(position)) - position;
            ComposedPanels.Arrange(values!, weights.From(position - span.Start), length, scratch);
            var panel = pages.Value(slot, 0, position);
            var next = position + length < span.End ? pages.Value(slot, 0, position + length)
                : pages.Key(slot, 0, span.End);
            ComposedPanels.Multiply(panel, _panels * PanelPages<T>.ValueStride, PanelPages<T>.ValueStride, _panels,
                Panel.RoundDepth(length), values!, weights.From(position - span.Start), sums, next - panel,
                add: position > span.Start, scratch);
        }
    }

    private static int NextPage(int position) => ((position / PageTokens) + 1) * PageTokens;
}
