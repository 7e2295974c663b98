using Crosshead.Attention.Caches;
namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Softmax attention over the cache of a layer, for all variants except Talking-Heads. Phases: place keys and values;
/// place queries, sum values block by block, join the blocks, compose and norm the heads (<see cref="AttentionPlan"/>).
/// Where values are composed by matrices and blocks are items, heads are joined and composed in a phase of their own.
/// If no other item reads the same keys and values, who reads them places them, and the first phase has no items.
/// Neighbouring tokens of a sequence multiply the cached rows together. Items are ordered by heads, as the outputs of
/// projections are: most of what a thread reads it wrote itself, in its own caches.
/// </summary>
internal unsafe class CachedSoftmaxAttention<T> : CachedAttention where T : unmanaged, IPanelElement<T>
{
    private readonly HeadPlacement<T> _placement;
    private readonly MixedHeads _mixed;
    private readonly bool _finishesApart; // heads whose values are composed by matrices, which all threads read

    /// <summary>Allocates the pages of a layer.</summary>
    /// <param name="weights">The layer.</param>
    /// <param name="scratch">Working memory.</param>
    /// <param name="rotary">Angles.</param>
    /// <param name="format">How the cache keeps numbers.</param>
    /// <param name="center">What the heads' outputs may be rounded for, as <see cref="StackedMatrix.Center"/>; null to
    /// keep float32.</param>
    /// <param name="pages">Number of pages.</param>
    /// <param name="tables">The pages of each slot.</param>
    public CachedSoftmaxAttention(AttentionWeights weights, AttentionScratch scratch, RotaryTable rotary,
        CacheFormat format, int? center, int pages, PageTables tables)
    {
        (Weights, Layout, Scratch) = (weights, weights.Layout, scratch);
        Cache = new PanelPages<T>(Layout, format, pages, tables);
        // Elements with scales are multiplied as integers, and their heads as components.
        var (keys, values) = T.HasScales ? (null, null) : (weights.KeyHeads, weights.ValueHeads);
        _mixed = MixedHeads.Create(Cache, Layout, keys, values);
        _placement = new HeadPlacement<T>(weights, scratch, rotary, Cache, keys, values);
        Outputs = new HeadOutputs(weights, scratch, expands: !_mixed.HasValues, center);
        _finishesApart = weights.Values is { } mix && !_mixed.HasValues && mix.Matrices.Any();
        Plan = new AttentionPlan(Layout, weights.Options.SlidingWindow, scratch.Block, scratch.Members);
    }

    /// <inheritdoc/>
    public override int Phases => _finishesApart ? 3 : 2;

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

    /// <summary>How the pass is shared out.</summary>
    protected AttentionPlan Plan { get; }

    /// <inheritdoc/>
    public override void Begin(PassBlock pass) => Plan.Begin(pass);

    /// <inheritdoc/>
    public override int Items(int phase, PassBlock pass) =>
        phase == 1 ? Plan.Groups * Layout.Units * (Plan.Joins ? 1 : Plan.MostBlocks)
        : phase == 0 ? (Plan.IsAlone ? 0 : pass.Count * _placement.Items)
        : Plan.Joins ? 0 : Plan.Groups * Outputs.Items;

    /// <inheritdoc/>
    public override void Run(int phase, PassBlock pass, int first, int end, int member)
    {
        if (phase == 1 && !Plan.Joins)
        {
            AttendBlocks(pass, first, end, member);
            return;
        }
        for (var item = first; item < end; item++)
        {
            if (phase == 0) _placement.Place(pass, item % pass.Count, item / pass.Count, member);
            else if (phase == 2) Finish(pass, Plan[item % Plan.Groups], item / Plan.Groups, member);
            else AttendAndJoin(pass, item / Plan.Groups, Plan.Balanced(item % Plan.Groups), member);
        }
    }

    /// <inheritdoc/>
    public override void Give(ProductInput input, int rows) => Outputs.Give(input, rows);

    /// <inheritdoc/>
    public override void ClearPage(int page) => Cache.Clear(page);

    /// <inheritdoc/>
    public override void Dispose()
    {
        Cache.Dispose();
    }

    /// <summary>Places the queries of a unit's heads.</summary>
    protected PanelVectors PlaceQueries(PassBlock pass, RowGroup group, int unit, int member) =>
        _placement.PlaceQueries(pass, group, unit, member);

    /// <summary>Places keys and values.</summary>
    protected void Place(PassBlock pass, int item, int member) =>
        _placement.Place(pass, item % pass.Count, item / pass.Count, member);

    private void AttendAndJoin(PassBlock pass, int unit, RowGroup group, int member)
    {
        if (Plan.IsAlone) _placement.Place(pass, group, unit, member);
        var queries = PlaceQueries(pass, group, unit, member);
        var results = Scratch.ResultsOf(member, Layout.FirstVector(group, unit));
        var (first, end) = Plan.BlocksOf(pass, group);
        for (var block = first; block < end; block++) Attend(pass, group, unit, block, queries, results, member);
        Outputs.Finish(group, unit, (first, end), results, pass.Count, member);
    }

    // Joins the blocks of a head, of the tokens of a group.
    private void Finish(PassBlock pass, RowGroup group, int head, int member)
    {
        var blocks = Plan.BlocksOf(pass, group);
        for (var row = group.First; row < group.First + group.Count; row++)
            Outputs.Finish(group, row, head, blocks, Scratch.Results, pass.Count, member);
    }

    // Items are blocks of groups of units. Queries are placed once for neighbouring blocks.
    private void AttendBlocks(PassBlock pass, int first, int end, int member)
    {
        var (placed, queries) = (-1, default(PanelVectors));
        for (var item = first; item < end; item++)
        {
            var (index, place) = Math.DivRem(item, Plan.MostBlocks);
            var (unit, number) = Math.DivRem(index, Plan.Groups);
            var group = Plan[number];
            var blocks = Plan.BlocksOf(pass, group);
            var block = blocks.First + place;
            if (block >= blocks.End) continue;
            if (Plan.IsAlone && block == blocks.End - 1) _placement.Place(pass, group, unit, member);
            if (placed != index) queries = PlaceQueries(pass, group, unit, member);
            placed = index;
            Attend(pass, group, unit, block, queries, Scratch.Results, member);
            if (!_finishesApart && Plan.IsLast(unit, number))
                Outputs.Finish(group, unit, blocks, Scratch.Results, pass.Count, member);
        }
    }

    /// <summary>Attends from a unit of a group's heads to a block of positions.</summary>
    protected void Attend(PassBlock pass, RowGroup group, int unit, int block, PanelVectors queries,
        BlockResults results, int member)
    {
        var slot = pass[group.First].Slot;
        var span = Plan.SpanOf(pass, group, block);
        var scores = Scratch.ScoresOf(member, group.Count * Layout.SlotsPerUnit);
        Score(slot, group, unit, span, queries, scores, member);
        Weigh(pass, group, unit, block, span, scores, results);
        Sum(slot, group, unit, block, span, scores, results, member);
    }

    /// <summary>Computes scores of a unit's heads for the positions of a span.</summary>
    protected virtual void Score(int sequence, RowGroup group, int unit, AttentionSpan span, PanelVectors queries,
        PanelVectors scores, int member)
    {
        var count = Layout.SlotsPerKeyRow * group.Count;
        if (_mixed.HasKeys)
            _mixed.Score(sequence, span, queries.Slice(0, count), scores.Slice(0, count),
                Scratch.MixedOf(member));
        for (var k = 0; k < (_mixed.HasKeys ? 0 : Layout.KeyRowsPerUnit); k++)
            Cache.Score(sequence, (unit * Layout.KeyRowsPerUnit) + k, span.Start, span.Count,
                queries.Slice(k * count, count), scores.Slice(k * count, count), unit * Layout.ValueRowsPerUnit,
                Scratch.ProductsOf(member));
        if (Layout.KeyFactors == 0) return;
        for (var head = 0; head < Layout.Heads; head++)
            for (var row = group.First; row < group.First + group.Count; row++)
                Cache.ScaleByKeyFactors(sequence, Layout.GroupOf(head), span.Start, span.Length,
                    scores[Layout.Vector(group, row, head) - Layout.FirstVector(group, unit)]);
    }

    /// <summary>Sums the values of a span by the weights of a unit's heads.</summary>
    protected void Sum(int sequence, RowGroup group, int unit, int block, AttentionSpan span, PanelVectors weights,
        BlockResults results, int member)
    {
        var count = Layout.SlotsPerValueRow * group.Count;
        if (_mixed.HasValues)
            _mixed.Sum(sequence, span, weights.Slice(0, count),
                results.Sums(block, Layout.FirstVector(group, unit), count), Scratch.MixedOf(member));
        for (var v = 0; v < (_mixed.HasValues ? 0 : Layout.ValueRowsPerUnit); v++)
            Cache.Sum(sequence, (unit * Layout.ValueRowsPerUnit) + v, span.Start, span.Count,
                weights.Slice(v * count, count),
                results.Sums(block, Layout.FirstVector(group, unit) + (v * count), count),
                unit * Layout.KeyRowsPerUnit, Scratch.ProductsOf(member));
    }

    // Turns the scores of a span into weights e^(score − largest) for what tokens see, and 0 for the rest.
    private void Weigh(PassBlock pass, RowGroup group, int unit, int block, AttentionSpan span, PanelVectors scores,
        BlockResults results)
    {
        var first = Layout.FirstVector(group, unit);
        if (Weights.Options.ScoreCap is { } cap)
            for (var v = 0; v < scores.Count; v++) RowMath.Cap(scores[v], (float)cap, span.Length);
        // Usually all tokens see all positions.
        if (span.IsWhole && Plan.SpanOf(pass[group.First], block) == span
            && Plan.SpanOf(pass[group.First + group.Count - 1], block) == span)
        {
            results.Weigh<T>(block, first, scores, span.Length);
            return;
        }
        for (var row = group.First; row < group.First + group.Count; row++)
        {
            var seen = Plan.SpanOf(pass[row], block);
            for (var head = unit * Layout.SlotsPerUnit; head < (unit + 1) * Layout.SlotsPerUnit; head++)
            {
                var vector = Layout.Vector(group, row, head);
                var own = scores.Slice(vector - first, 1);
                if (seen.End > seen.First)
                {
                    span.Mask(own.Pointer, seen);
                    results.Weigh<T>(block, vector, own, span.Length);
                }
                else
                {
                    new Span<float>(own.Pointer, span.Length).Clear();
                    results.Set(block, vector, float.NegativeInfinity, 0);
                }
            }
        }
    }
}
