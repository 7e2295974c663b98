using Crosshead.Attention.Caches;
namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Softmax attention over the cache of a layer, for all variants except Talking-Heads. Phases: place queries, keys and
/// values; sum values block by block; join the blocks, compose and norm the heads.
/// </summary>
internal unsafe class CachedSoftmaxAttention<T> : CachedAttention where T : unmanaged, IPanelElement<T>
{
    private readonly HeadPlacement<T> _placement;
    private readonly HeadOutputs _outputs;

    /// <summary>Allocates the caches of a layer, one per sequence.</summary>
    public CachedSoftmaxAttention(AttentionWeights weights, AttentionScratch scratch, RotaryTable rotary,
        int pages, PageTables tables)
    {
        (Weights, Layout, Scratch) = (weights, weights.Layout, scratch);
        Cache = new PanelPages<T>(Layout, pages, tables);
        _placement = new HeadPlacement<T>(weights, scratch, rotary, Cache);
        _outputs = new HeadOutputs(weights, scratch);
    }

    /// <inheritdoc/>
    public override int Phases => 3;

    /// <summary>Weights of the layer.</summary>
    protected AttentionWeights Weights { get; }

    /// <summary>Which head reads which cached row.</summary>
    protected HeadLayout Layout { get; }

    /// <summary>Working memory, shared by all layers.</summary>
    protected AttentionScratch Scratch { get; }

    /// <summary>The keys and values of the layer.</summary>
    protected PanelPages<T> Cache { get; }

    /// <inheritdoc/>
    public override int Items(int phase, PassBlock pass)
    {
        if (phase == 0) return pass.Count * _placement.Items;
        if (phase == Phases - 1) return pass.Count * _outputs.Items;
        return AttendItems(pass);
    }

    /// <inheritdoc/>
    public override void Run(int phase, PassBlock pass, int first, int end, int member)
    {
        for (var item = first; item < end; item++)
        {
            if (phase == 0) _placement.Place(pass, item / _placement.Items, item % _placement.Items, member);
            else if (phase == Phases - 1)
                _outputs.Finish(item / _outputs.Items, item % _outputs.Items,
                    BlocksOf(pass[item / _outputs.Items]), member);
            else Attend(phase, pass, item, member);
        }
    }

    /// <inheritdoc/>
    public override void ClearPage(int page) => Cache.Clear(page);

    /// <inheritdoc/>
    public override void Dispose()
    {
        Cache.Dispose();
    }

    /// <summary>Number of items of each phase between placing and finishing.</summary>
    protected virtual int AttendItems(PassBlock pass) => pass.Count * Layout.Units * MostBlocks(pass);

    /// <summary>
    /// Does one item of a phase between placing and finishing. Here an item is a unit of heads and a block of
    /// positions.
    /// </summary>
    protected virtual void Attend(int phase, PassBlock pass, int item, int member)
    {
        var most = MostBlocks(pass);
        var (unit, row) = (item / most % Layout.Units, item / most / Layout.Units);
        if (!Sees(pass[row], item % most, out var block, out var span)) return;

        var scores = Scratch.Scores[(long)member * Layout.Heads];
        var stride = Scratch.Scores.Stride;
        Score(pass[row], row, unit, span, scores, stride);
        for (var s = 0; s < Layout.SlotsPerUnit; s++)
        {
            var x = scores + (s * stride);
            span.Mask(x);
            var max = RowMath.Max(x, span.Length);
            Scratch.Softmax.Pointer[Place(row, (unit * Layout.SlotsPerUnit) + s, block)] = (max,
                RowMath.Exp(x, max, 1, x, span.Length));
        }
        Sum(pass[row], row, unit, block, span, scores, stride, member);
    }

    /// <summary>Computes scores of a unit's heads [slots, stride] for the positions of a span.</summary>
    protected void Score(in DecodeRow token, int row, int unit, AttentionSpan span, float* scores, int stride)
    {
        var slots = Layout.SlotsPerKeyRow;
        for (var k = unit * Layout.KeyRowsPerUnit; k < (unit + 1) * Layout.KeyRowsPerUnit; k++,
            scores += slots * stride)
            Cache.Score(token.Slot, k, span.Start, span.Count, Scratch.Queries[(row * Layout.Heads) + (k * slots)],
                Scratch.Queries.Stride, slots, scores, stride, unit * Layout.ValueRowsPerUnit);
        if (Layout.KeyFactors == 0) return;
        scores -= Layout.SlotsPerUnit * stride;
        for (var head = 0; head < Layout.Heads; head++)
            Cache.ScaleByKeyFactors(token.Slot, Layout.GroupOf(head), span.Start, span.Count, scores + (head * stride));
    }

    /// <summary>Sums the values of a span by the weights [slots, stride] of a unit's heads.</summary>
    protected void Sum(in DecodeRow token, int row, int unit, int block, AttentionSpan span, float* weights,
        int stride, int member)
    {
        var slots = Layout.SlotsPerValueRow;
        for (var v = unit * Layout.ValueRowsPerUnit; v < (unit + 1) * Layout.ValueRowsPerUnit; v++,
            weights += slots * stride)
            Cache.Sum(token.Slot, v, span.Start, span.Count, weights, stride, slots,
                Scratch.Sums[Place(row, v * slots, block)], Scratch.Sums.Stride * Scratch.Blocks,
                Scratch.PageSums[(long)member * Layout.Heads], unit * Layout.KeyRowsPerUnit);
    }

    /// <summary>Index of the sums of a block.</summary>
    protected long Place(int row, int slot, int block) =>
        ((((long)row * Layout.Heads) + slot) * Scratch.Blocks) + block;

    /// <summary>First block that a token sees, and one past the last.</summary>
    protected (int First, int End) BlocksOf(in DecodeRow row) =>
        (FirstSeen(row) / Scratch.Block, (row.Position / Scratch.Block) + 1);

    /// <summary>Maximum number of blocks that a token of the pass sees.</summary>
    protected int MostBlocks(PassBlock pass)
    {
        var most = 0;
        for (var r = 0; r < pass.Count; r++)
        {
            var (first, end) = BlocksOf(pass[r]);
            most = Math.Max(most, end - first);
        }
        return most;
    }

    /// <summary>
    /// Finds block number <paramref name="index"/> of the blocks that a token sees, and the visible positions in it.
    /// Returns false if the token sees fewer blocks.
    /// </summary>
    protected bool Sees(in DecodeRow row, int index, out int block, out AttentionSpan span)
    {
        var (first, end) = BlocksOf(row);
        block = first + index;
        var start = block * Scratch.Block;
        span = new AttentionSpan(Math.Max(start, FirstSeen(row)), Math.Min(start + Scratch.Block, row.Position + 1));
        return block < end;
    }

    private int FirstSeen(in DecodeRow row) =>
        Math.Max(0, row.Position + 1 - (Weights.Options.SlidingWindow ?? int.MaxValue));
}
