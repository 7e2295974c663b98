namespace Crosshead.Generation.Cpu;

/// <summary>
/// Softmax attention over the cache of a layer for all variants but Talking-Heads. Phases: place the new keys and
/// values; sum values block by block; join the blocks, compose, norm.
/// </summary>
internal unsafe class CachedSoftmaxAttention<T> : CachedAttention where T : unmanaged, IPanelElement<T>
{
    private readonly HeadPlacement<T> _placement;
    private readonly HeadOutputs _outputs;

    /// <summary>A layer's caches, one a sequence.</summary>
    public CachedSoftmaxAttention(AttentionWeights weights, AttentionScratch scratch, RotaryTable rotary, int sequences, int capacity)
    {
        (Weights, Layout, Scratch) = (weights, weights.Layout, scratch);
        Caches = [.. Enumerable.Range(0, sequences).Select(_ => new KeyValuePanels<T>(Layout, capacity))];
        _placement = new HeadPlacement<T>(weights, scratch, rotary, Caches);
        _outputs = new HeadOutputs(weights, scratch);
    }

    /// <inheritdoc/>
    public override int Phases => 3;

    /// <summary>The layer.</summary>
    protected AttentionWeights Weights { get; }

    /// <summary>Which head reads what.</summary>
    protected HeadLayout Layout { get; }

    /// <summary>What the layers share.</summary>
    protected AttentionScratch Scratch { get; }

    /// <summary>A cache a sequence.</summary>
    protected KeyValuePanels<T>[] Caches { get; }

    /// <inheritdoc/>
    public override int Items(int phase, DecodePass pass)
    {
        if (phase == 0) return pass.Count * _placement.Items;
        if (phase == Phases - 1) return pass.Count * _outputs.Items;
        return AttendItems(pass);
    }

    /// <inheritdoc/>
    public override void Run(int phase, DecodePass pass, int first, int end, int member)
    {
        for (var item = first; item < end; item++)
        {
            if (phase == 0) _placement.Place(pass, item / _placement.Items, item % _placement.Items);
            else if (phase == Phases - 1) _outputs.Finish(item / _outputs.Items, item % _outputs.Items, BlocksOf(pass[item / _outputs.Items]), member);
            else Attend(phase, pass, item, member);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var cache in Caches) cache.Dispose();
    }

    /// <summary>Items of the phases between placing and finishing.</summary>
    protected virtual int AttendItems(DecodePass pass) => pass.Count * Layout.Units * BlocksOf(pass.Longest);

    /// <summary>An item of the phases between placing and finishing: here, a unit of heads over a block of positions.</summary>
    protected virtual void Attend(int phase, DecodePass pass, int item, int member)
    {
        var blocks = BlocksOf(pass.Longest);
        var (unit, row, block) = (item / blocks % Layout.Units, item / blocks / Layout.Units, item % blocks);
        if (block >= BlocksOf(pass[row])) return;

        var cache = Caches[pass[row].Sequence];
        var (start, count) = Span(pass[row], block);
        var (slots, slot) = (Layout.SlotsPerUnit, unit * Layout.SlotsPerUnit);
        var scores = Scratch.Scores[(long)member * Layout.Heads];
        var stride = Scratch.Scores.Stride;
        for (var k = 0; k < Layout.KeyRowsPerUnit; k++)
        {
            var first = k * Layout.SlotsPerKeyRow;
            cache.Score(Layout.KeyRow(unit, k), start, count, Scratch.Queries[(row * Layout.Heads) + slot + first], Scratch.Queries.Stride,
                Layout.SlotsPerKeyRow, scores + (first * stride), stride);
        }
        var length = Panel.Round(count);
        for (var s = 0; s < slots; s++)
        {
            var x = scores + (s * stride);
            var max = RowMath.Max(x, length);
            Scratch.Softmax.Pointer[Place(row, slot + s, block)] = (max, RowMath.Exp(x, max, 1, x, length));
        }
        cache.Sum(Layout.ValueRow(unit), start, count, scores, stride, slots,
            Scratch.Sums[Place(row, slot, block)], Scratch.Sums.Stride * Scratch.Blocks);
    }

    /// <summary>Index of a block's sums.</summary>
    protected long Place(int row, int slot, int block) => ((((long)row * Layout.Heads) + slot) * Scratch.Blocks) + block;

    /// <summary>Blocks that a token sees.</summary>
    protected int BlocksOf(in DecodePass.Row row) => BlocksOf(row.Position + 1);

    /// <summary>Blocks of so many positions.</summary>
    protected int BlocksOf(int positions) => (positions + Scratch.Block - 1) / Scratch.Block;

    /// <summary>Positions of a block that a token sees.</summary>
    protected (int Start, int Count) Span(in DecodePass.Row row, int block)
    {
        var start = block * Scratch.Block;
        return (start, Math.Min(Scratch.Block, row.Position + 1 - start));
    }
}
