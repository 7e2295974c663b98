namespace Crosshead.Generation.Cpu;

/// <summary>What attention works with during a pass; taken once and used by all layers.</summary>
internal sealed unsafe class AttentionScratch : IDisposable
{
    private const int SmallestBlock = 64, MostBlocks = 32;

    /// <summary>Takes the memory.</summary>
    /// <param name="layout">Which head reads what; the same in all layers.</param>
    /// <param name="projections">Outputs of the query, key and value projections together.</param>
    /// <param name="capacity">Most positions.</param>
    /// <param name="members">Threads.</param>
    /// <param name="talking">Whether scores of all heads and positions are kept.</param>
    public AttentionScratch(HeadLayout layout, int projections, int capacity, int members, bool talking)
    {
        // Long sequences are attended in blocks of positions, so that the threads have work even where all heads share
        // their rows. Blocks depend on the capacity alone: results are the same on any number of threads.
        Block = Math.Max(SmallestBlock, Panel.Round((capacity + MostBlocks - 1) / MostBlocks));
        Blocks = (capacity + Block - 1) / Block;
        const int rows = DecodePass.MaxRows;
        Projected = new Rows(rows, projections);
        Queries = new Rows(rows * layout.Heads, layout.KeyWidth);
        Sums = new Rows((long)rows * layout.Heads * Blocks, layout.ValueWidth);
        Softmax = new NativeBuffer<(float, float)>((long)rows * layout.Heads * Blocks);
        Heads = new Rows(rows, layout.Heads * layout.HeadDim);
        Scores = new Rows((long)members * layout.Heads, Block);
        Head = new Rows(2 * members, Math.Max(layout.ValueWidth, layout.HeadDim));
        Maps = new Rows(talking ? rows * layout.Heads : 0, Blocks * Block);
    }

    /// <summary>Positions a block, a multiple of 16.</summary>
    public int Block { get; }

    /// <summary>Most blocks of a sequence.</summary>
    public int Blocks { get; }

    /// <summary>[row]: queries, keys and values as projected.</summary>
    public Rows Projected { get; }

    /// <summary>[row, slot]: rotated and scaled queries, carrying the mix where keys are components.</summary>
    public Rows Queries { get; }

    /// <summary>[row, slot, block]: values summed over a block, by weights e^(score − max).</summary>
    public Rows Sums { get; }

    /// <summary>[row, slot, block]: a block's largest score, and its sum of weights.</summary>
    public NativeBuffer<(float Max, float Sum)> Softmax { get; }

    /// <summary>[row]: the heads' outputs.</summary>
    public Rows Heads { get; }

    /// <summary>[member, slot]: scores of a block.</summary>
    public Rows Scores { get; }

    /// <summary>[member, 2]: heads being finished.</summary>
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
        Head.Dispose();
        Maps.Dispose();
    }
}
