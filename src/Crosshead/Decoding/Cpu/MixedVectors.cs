using Crosshead.Attention.Caches;

namespace Crosshead.Decoding.Cpu;

/// <summary>Memory of a thread in which the vectors of heads that are not cached lie side by side.</summary>
/// <param name="layout">The heads.</param>
/// <param name="memory">The memory, of <see cref="Length"/> floats.</param>
internal readonly unsafe struct MixedVectors(HeadLayout layout, float* memory)
{
    private const int PageTokens = PageTables.PageTokens;

    /// <summary>Queries, or the weights of a page.</summary>
    public PanelVectors Inputs(int count) => new(memory, InputStride(layout), count);

    /// <summary>The scores of a page, or sums of values.</summary>
    public PanelVectors Sums(int count) =>
        new(memory + ((long)layout.VectorsPerItem * InputStride(layout)), SumStride(layout), count);

    /// <summary>Floats that the vectors of a layout take.</summary>
    public static int Length(HeadLayout layout) =>
        layout.VectorsPerItem * (InputStride(layout) + SumStride(layout));

    // The same numbers of all vectors do not share a set of the first cache.
    private static int InputStride(HeadLayout layout) =>
        Panel.Round(Math.Max(layout.KeyWidth, PageTokens)) + Panel.Lanes;

    private static int SumStride(HeadLayout layout) =>
        Panel.Round(Math.Max(layout.ValueWidth, PageTokens)) + Panel.Lanes;
}
