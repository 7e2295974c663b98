using Crosshead.Attention.Caches;
namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Softmax attention over the cache of a layer, for all variants except Talking-Heads. Phases: place queries, keys and
/// values; sum values block by block; join the blocks, compose and norm the heads. Neighbouring tokens of a sequence
/// multiply the cached rows together. Items are ordered by heads, as the outputs of projections are: most of what a
/// thread reads it wrote itself, in its own caches.
/// </summary>
internal unsafe class CachedSoftmaxAttention<T> : CachedAttention where T : unmanaged, IPanelElement<T>
{
    private readonly HeadPlacement<T> _placement;
    private readonly ComposedPages<T> _composed;

    /// <summary>Allocates the pages of a layer.</summary>
    public CachedSoftmaxAttention(AttentionWeights weights, AttentionScratch scratch, RotaryTable rotary,
        CacheFormat format, int pages, PageTables tables)
    {
        (Weights, Layout, Scratch) = (weights, weights.Layout, scratch);
        Cache = new PanelPages<T>(Layout, format, pages, tables);
        // Elements with scales are multiplied as integers, so that their heads cannot be composed first.
        var (keys, values) = T.HasScales ? (null, null) : (weights.KeyHeads, weights.ValueHeads);
        _composed = new ComposedPages<T>(Cache, Layout, keys, values);
        _placement = new HeadPlacement<T>(weights, scratch, rotary, Cache, keys, values);
        Outputs = new HeadOutputs(weights, scratch, expands: !_composed.HasValues);
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

    /// <summary>Computes the heads' outputs.</summary>
    protected HeadOutputs Outputs { get; }

    /// <inheritdoc/>
    public override int Items(int phase, PassBlock pass) =>
        phase == 0 ? PlaceItems(pass) : phase == Phases - 1 ? FinishItems(pass) : AttendItems(pass);

    /// <inheritdoc/>
    public override void Run(int phase, PassBlock pass, int first, int end, int member)
    {
        for (var item = first; item < end; item++)
        {
            if (phase == 0) Place(pass, item, member);
            else if (phase == Phases - 1) Finish(pass, item, member);
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

    /// <summary>Number of items of the first phase.</summary>
    protected virtual int PlaceItems(PassBlock pass) => pass.Count * _placement.Items;

    /// <summary>Does an item of the first phase.</summary>
    protected virtual void Place(PassBlock pass, int item, int member) =>
        _placement.Place(pass, item % pass.Count, item / pass.Count, member);

    /// <summary>Number of items of the last phase.</summary>
    protected virtual int FinishItems(PassBlock pass) => pass.Count * Outputs.Items;

    /// <summary>Does an item of the last phase.</summary>
    protected virtual void Finish(PassBlock pass, int item, int member)
    {
        var row = item % pass.Count;
        Outputs.Finish(row, item / pass.Count, pass.GroupOf(row, Layout.RowsPerGroup), BlocksOf(pass[row]), member);
    }

    /// <summary>Number of items of each phase between placing and finishing.</summary>
    protected virtual int AttendItems(PassBlock pass) =>
        pass.Groups(Layout.RowsPerGroup) * Layout.Units * MostBlocks(pass);

    /// <summary>
    /// Does one item of a phase between placing and finishing. Here an item is a unit of heads, a group of tokens and a
    /// block of positions.
    /// </summary>
    protected virtual void Attend(int phase, PassBlock pass, int item, int member)
    {
        var (most, groups) = (MostBlocks(pass), pass.Groups(Layout.RowsPerGroup));
        var (unit, group) = (item / most / groups, pass.GroupAt(item / most % groups, Layout.RowsPerGroup));
        var (first, end) = BlocksOf(pass, group);
        var block = first + (item % most);
        if (block >= end) return;

        var last = pass[group.First + group.Count - 1];
        var span = Span(block, FirstSeen(pass[group.First]), last.Position + 1);
        var scores = Scratch.ScoresOf(member, group.Count * Layout.SlotsPerUnit);
        Score(last.Slot, group, unit, span, scores, member);
        for (var row = group.First; row < group.First + group.Count; row++)
        {
            var seen = Span(block, FirstSeen(pass[row]), pass[row].Position + 1);
            for (var slot = 0; slot < Layout.SlotsPerUnit; slot++)
            {
                var vector = Layout.Vector(group, row, (unit * Layout.SlotsPerUnit) + slot);
                Weigh(scores[vector - FirstVector(group, unit)], span, seen, vector, block);
            }
        }
        Sum(last.Slot, group, unit, block, span, scores, member);
    }

    /// <summary>Computes scores of a unit's heads for the positions of a span.</summary>
    protected virtual void Score(int sequence, RowGroup group, int unit, AttentionSpan span, PanelVectors scores,
        int member)
    {
        var count = Layout.SlotsPerKeyRow * group.Count;
        if (_composed.HasKeys)
            _composed.Score(sequence, span, Scratch.QueriesFrom(FirstVector(group, unit), count),
                scores.Slice(0, count), Scratch.ComposedOf(member));
        for (var k = 0; k < (_composed.HasKeys ? 0 : Layout.KeyRowsPerUnit); k++)
            Cache.Score(sequence, (unit * Layout.KeyRowsPerUnit) + k, span.Start, span.Count,
                Scratch.QueriesFrom(FirstVector(group, unit) + (k * count), count), scores.Slice(k * count, count),
                unit * Layout.ValueRowsPerUnit, Scratch.ProductsOf(member));
        if (Layout.KeyFactors == 0) return;
        for (var head = 0; head < Layout.Heads; head++)
            for (var row = group.First; row < group.First + group.Count; row++)
                Cache.ScaleByKeyFactors(sequence, Layout.GroupOf(head), span.Start, span.Length,
                    scores[Layout.Vector(group, row, head) - FirstVector(group, unit)]);
    }

    /// <summary>Sums the values of a span by the weights of a unit's heads.</summary>
    protected void Sum(int sequence, RowGroup group, int unit, int block, AttentionSpan span, PanelVectors weights,
        int member)
    {
        var count = Layout.SlotsPerValueRow * group.Count;
        if (_composed.HasValues)
            _composed.Sum(sequence, span, weights.Slice(0, count),
                Scratch.SumsFrom(block, FirstVector(group, unit), count), Scratch.ComposedOf(member));
        for (var v = 0; v < (_composed.HasValues ? 0 : Layout.ValueRowsPerUnit); v++)
            Cache.Sum(sequence, (unit * Layout.ValueRowsPerUnit) + v, span.Start, span.Count,
                weights.Slice(v * count, count),
                Scratch.SumsFrom(block, FirstVector(group, unit) + (v * count), count),
                unit * Layout.KeyRowsPerUnit, Scratch.ProductsOf(member));
    }

    /// <summary>The place of the first vector of a group's unit.</summary>
    protected int FirstVector(RowGroup group, int unit) =>
        (group.First * Layout.Heads) + (unit * Layout.SlotsPerUnit * group.Count);

    /// <summary>First block that a token sees, and one past the last.</summary>
    protected (int First, int End) BlocksOf(in DecodeRow row) =>
        (FirstSeen(row) / Scratch.Block, (row.Position / Scratch.Block) + 1);

    /// <summary>The positions of a block that a token sees.</summary>
    protected AttentionSpan SpanOf(in DecodeRow row, int block) => Span(block, FirstSeen(row), row.Position + 1);

    /// <summary>Maximum number of blocks that a group of the pass sees.</summary>
    protected int MostBlocks(PassBlock pass)
    {
        var most = 0;
        for (var row = 0; row < pass.Count;)
        {
            var group = pass.GroupOf(row, Layout.RowsPerGroup);
            var (first, end) = BlocksOf(pass, group);
            most = Math.Max(most, end - first);
            row += group.Count;
        }
        return most;
    }

    private (int First, int End) BlocksOf(PassBlock pass, RowGroup group) =>
        (BlocksOf(pass[group.First]).First, BlocksOf(pass[group.First + group.Count - 1]).End);

    private AttentionSpan Span(int block, int first, int end)
    {
        var start = block * Scratch.Block;
        return new AttentionSpan(Math.Max(start, first), Math.Min(start + Scratch.Block, end));
    }

    // Turns the scores of a span into weights e^(score − largest) for what a token sees, and 0 for the rest.
    private void Weigh(float* scores, AttentionSpan span, AttentionSpan seen, int vector, int block)
    {
        if (seen.End <= seen.First)
        {
            new Span<float>(scores, span.Length).Clear();
            return;
        }
        if (Weights.Options.ScoreCap is { } cap) RowMath.Cap(scores, (float)cap, span.Length);
        span.Mask(scores, seen);
        var max = RowMath.Max(scores, span.Length);
        Scratch.Softmax(block, vector) = (max, RowMath.Exp(scores, max, 1, scores, span.Length));
    }

    private int FirstSeen(in DecodeRow row) =>
        Math.Max(0, row.Position + 1 - (Weights.Options.SlidingWindow ?? int.MaxValue));
}
