namespace Crosshead.Decoding.Cpu;

/// <summary>Scores and sums of a layer's heads, if the cache keeps fewer rows from which all heads follow.</summary>
/// <param name="keys">The mix of key heads; null if keys are read otherwise.</param>
/// <param name="values">The mix of value heads; null if values are read otherwise.</param>
internal abstract unsafe class MixedHeads(HeadMix? keys, HeadMix? values)
{
    /// <summary>Whether scores are computed here.</summary>
    public bool HasKeys => keys is not null;

    /// <summary>Whether sums are computed here.</summary>
    public bool HasValues => values is not null;

    /// <summary>Chooses what computes them.</summary>
    public static MixedHeads Create<T>(PanelPages<T> pages, HeadLayout layout, HeadMix? keys, HeadMix? values)
        where T : unmanaged, IPanelElement<T> =>
        T.RoundsVectors ? new KeptPages<T>(pages, layout, keys, values)
            : new ComposedPages<T>(pages, layout, keys, values);

    /// <summary>Scores of the positions of a span with the queries of all heads.</summary>
    /// <param name="slot">The sequence's slot.</param>
    /// <param name="span">The positions.</param>
    /// <param name="queries">The queries, head by head.</param>
    /// <param name="scores">Receives the scores.</param>
    /// <param name="scratch">Memory of the thread.</param>
    public abstract void Score(int slot, AttentionSpan span, PanelVectors queries, PanelVectors scores,
        float* scratch);

    /// <summary>Sums of the values of a span by the weights of all heads.</summary>
    /// <param name="slot">The sequence's slot.</param>
    /// <param name="span">The positions.</param>
    /// <param name="weights">The weights, head by head; 0 after the span.</param>
    /// <param name="sums">Receives the sums.</param>
    /// <param name="scratch">Memory of the thread.</param>
    public abstract void Sum(int slot, AttentionSpan span, PanelVectors weights, PanelVectors sums, float* scratch);
}
