using Crosshead.Attention.Caches;
namespace Crosshead.Decoding.Cpu;

/// <summary>The working memory of attention during a pass. It is allocated once and used by all layers.</summary>
internal sealed unsafe class AttentionScratch : IDisposable
{
    private const int MostBlocks = 32;

    /// <summary>Allocates the memory.</summary>
    /// <param name="layers">The layers that use the memory.</param>
    /// <param name="capacity">Maximum number of positions per sequence.</param>
    /// <param name="members">Number of threads.</param>
    public AttentionScratch(IReadOnlyList<AttentionWeights> layers, int capacity, int members)
    {
        int Most(Func<AttentionWeights, int> size) => layers.Max(size);
        var (heads, headDim) = (Most(l => l.Layout.Heads), Most(l => l.Layout.HeadDim));
        // Long sequences are split into blocks of positions. So all threads have work even if all heads share their
        // rows. The block size depends only on the capacity, so results do not depend on the number of threads.
        Block = PageTables.PagesFor(Math.Max(1, (capacity + MostBlocks - 1) / MostBlocks)) * PageTables.PageTokens;
        Blocks = (capacity + Block - 1) / Block;
        const int rows = PassBlock.MaxRows;
        Projected = new Rows(rows, Most(l => l.Projections.Outputs));
        Queries = new Rows(rows * heads, Most(l => l.Layout.KeyWidth));
        Sums = new Rows((long)rows * heads * Blocks, Most(l => l.Layout.ValueWidth));
        Softmax = new NativeBuffer<(float, float)>((long)rows * heads * Blocks);
        Heads = new Rows(rows, heads * headDim);
        Scores = new Rows((long)members * heads, Block);
        PageSums = new Rows((long)members * heads, Most(l => l.Layout.ValueWidth));
        Head = new Rows(2 * members, Most(l => Math.Max(l.Layout.ValueWidth, l.Layout.HeadDim)));
        Maps = new Rows(layers.Any(l => l.TalkingHeadsMix is not null) ? rows * heads : 0, Blocks * Block);
    }

    /// <summary>Positions per block, whole pages of the cache.</summary>
    public int Block { get; }

    /// <summary>Maximum number of blocks per sequence.</summary>
    public int Blocks { get; }

    /// <summary>[row]: queries, keys and values after their projection.</summary>
    public Rows Projected { get; }

    /// <summary>
    /// [row, slot]: rotated and scaled queries. With key components they are also multiplied by the mix.
    /// </summary>
    public Rows Queries { get; }

    /// <summary>[row, slot, block]: sum of a block's values with weights e^(score − max).</summary>
    public Rows Sums { get; }

    /// <summary>[row, slot, block]: a block's largest score and its sum of weights.</summary>
    public NativeBuffer<(float Max, float Sum)> Softmax { get; }

    /// <summary>[row]: the heads' outputs.</summary>
    public Rows Heads { get; }

    /// <summary>[member, slot]: scores of a block.</summary>
    public Rows Scores { get; }

    /// <summary>[member, slot]: values summed over a page.</summary>
    public Rows PageSums { get; }

    /// <summary>[member, 2]: heads that a thread is computing.</summary>
    public Rows Head { get; }

    /// <summary>[row, head]: mixed scores of all positions (Talking-Heads).</summary>
    public Rows Maps { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Projected.Dispose();
        Queries.Dispose();
        Sums.Dispose();
        Softmax.Dispose();
        Heads.Dispose();
        Scores.Dispose();
        PageSums.Dispose();
        Head.Dispose();
        Maps.Dispose();
    }
}
