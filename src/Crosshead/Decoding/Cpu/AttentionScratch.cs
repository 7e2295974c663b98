using Crosshead.Attention.Caches;
namespace Crosshead.Decoding.Cpu;

/// <summary>The working memory of attention during a pass. It is allocated once and used by all layers.</summary>
internal sealed unsafe class AttentionScratch : IDisposable
{
    /// <summary>Most blocks that a sequence is split into.</summary>
    public const int MostBlocks = 32;

    private const int LatentParts = 3;

    private readonly int _vectors, _vectorsPerItem, _rowsPerGroup;
    private readonly Rows _queries, _ownQueries, _sums, _ownSums, _joined, _outputs, _scores, _mixed, _encoded,
        _products, _factors;
    private readonly NativeBuffer<float> _softmax, _ownSoftmax; // the largest scores, then the sums of weights
    private readonly Rows[] _latent;

    /// <summary>Allocates the memory.</summary>
    /// <param name="layers">The layers that use the memory.</param>
    /// <param name="format">How the cache keeps numbers.</param>
    /// <param name="capacity">Maximum number of positions per sequence.</param>
    /// <param name="members">Number of threads.</param>
    public AttentionScratch(IReadOnlyList<AttentionWeights> layers, CacheFormat format, int capacity, int members)
    {
        int Most(Func<AttentionWeights, int> size) => layers.Max(size);
        var heads = Most(l => l.Layout.Heads);
        Members = members;
        // Long sequences are split into blocks of positions. So all threads have work even if all heads share their
        // rows. The block size depends only on the capacity, so results do not depend on the number of threads.
        Block = PageTables.PagesFor(Math.Max(1, (capacity + MostBlocks - 1) / MostBlocks)) * PageTables.PageTokens;
        Blocks = (capacity + Block - 1) / Block;
        const int rows = PassBlock.MaxRows;
        Projected = new Rows(rows, Most(l => l.Projections.Outputs));
        _vectors = rows * heads;
        // Latent vectors are shared by all heads, so that queries are computed head by head before.
        _queries = new Rows(layers.Any(l => l.Latent is not null) ? _vectors : 0, Most(l => l.Layout.QueryWidth));
        _sums = new Rows((long)Blocks * _vectors, Most(l => l.Layout.ValueWidth));
        _softmax = new NativeBuffer<float>(2 * (((long)Blocks * _vectors) + Panel.Lanes));
        Heads = new SharedRows(rows, Most(l => l.Layout.Heads * l.Layout.OutputWidth));
        _vectorsPerItem = Most(l => l.Layout.VectorsPerItem);
        _ownQueries = new Rows((long)members * _vectorsPerItem, _queries.Width);
        _rowsPerGroup = Most(l => l.Layout.RowsPerGroup);
        _outputs = new Rows((long)members * _rowsPerGroup, 2 * Most(l => l.Layout.HeadDim));
        var own = layers.All(l => l.Latent is not null) ? 0 : (long)members * Blocks * _vectorsPerItem;
        _ownSums = new Rows(own, Most(l => l.Latent is null ? l.Layout.ValueWidth : 0));
        _ownSoftmax = new NativeBuffer<float>(2 * (own + Panel.Lanes));
        _joined = new Rows((long)members * (MostBlocks + 2), _vectorsPerItem);
        _scores = new Rows((long)members * _vectorsPerItem, Block);
        _mixed = new Rows(members, Most(l => l.KeyHeads is null && l.ValueHeads is null ? 0
            : Math.Max(MixedVectors.Length(l.Layout),
                ComposedPanels.Scratch(Math.Max(PageTables.PageTokens, l.Layout.HeadDim)))));
        var coded = format.HasScales ? members * _vectorsPerItem : 0;
        _encoded = new Rows(coded, Math.Max(PanelInt8.MostDepth, Most(l => l.Layout.KeyWidth)));
        _products = new Rows(coded, Math.Max(PageTables.PageTokens, Math.Min(format.ScaleGroup,
            Panel.Round(Most(l => l.Layout.ValueWidth)))));
        _factors = new Rows(coded > 0 ? members : 0,
            (_vectorsPerItem * Most(l => format.ScalesOf(l.Layout.KeyWidth))) + PanelInt8.MostDepth);
        Head = new Rows(2 * members,
            Most(l => Math.Max(l.Layout.ValueWidth, Math.Max(l.Layout.HeadDim, l.Layout.KeyWidth))));
        _latent = [.. Enumerable.Range(0, layers.Any(l => l.Latent is not null) ? LatentParts : 0).Select(_ => new Rows(
            members * rows, Math.Max(Head.Stride, Most(l => l.Latent?.MostWidth ?? 0))))];
        Maps = new Rows(layers.Any(l => l.TalkingHeadsMix is not null) ? rows * heads : 0, Blocks * Block);
    }

    /// <summary>Number of threads.</summary>
    public int Members { get; }

    /// <summary>Positions per block, whole pages of the cache.</summary>
    public int Block { get; }

    /// <summary>Maximum number of blocks per sequence.</summary>
    public int Blocks { get; }

    /// <summary>[row]: queries, keys and values after their projection.</summary>
    public Rows Projected { get; }

    /// <summary>[row]: the heads' outputs.</summary>
    public SharedRows Heads { get; }

    /// <summary>[member, 2]: heads that a thread is computing.</summary>
    public Rows Head { get; }

    /// <summary>[member, row]: what a thread computes of a head's tokens (latent attention), one of three.</summary>
    public Rows LatentRows(int part) => _latent[part];

    /// <summary>[row, head]: mixed scores of all positions (Talking-Heads).</summary>
    public Rows Maps { get; }

    /// <summary>The query of a vector, in latent attention.</summary>
    public float* Query(int vector) => _queries[vector];

    /// <summary>Queries of vectors, in latent attention.</summary>
    public PanelVectors QueriesFrom(int vector, int count) => new(_queries[vector], _queries.Stride, count);

    /// <summary>
    /// A thread's memory for the rotated and scaled queries of an item. With key components they are also multiplied by
    /// the mix.
    /// </summary>
    public PanelVectors QueriesOf(int member, int count) =>
        new(_ownQueries[(long)member * _vectorsPerItem], _ownQueries.Stride, count);

    /// <summary>Results of all vectors, which all threads write.</summary>
    public BlockResults Results => new(_sums[0], _softmax.Pointer, _softmax.Pointer + (_softmax.Length / 2),
        _sums.Stride, _vectors, 0);

    /// <summary>A thread's memory for the results of an item.</summary>
    /// <param name="member">The thread.</param>
    /// <param name="first">The first vector of the item.</param>
    public BlockResults ResultsOf(int member, int first)
    {
        var place = (long)member * Blocks * _vectorsPerItem;
        return new(_ownSums[place], _ownSoftmax.Pointer + place,
            _ownSoftmax.Pointer + (_ownSoftmax.Length / 2) + place, _ownSums.Stride, _vectorsPerItem, first);
    }

    /// <summary>A thread's memory for a head's outputs, of the tokens of a group.</summary>
    public PanelVectors OutputsOf(int member, int count) =>
        new(_outputs[(long)member * _rowsPerGroup], _outputs.Stride, count);

    /// <summary>A thread's memory for what joins the blocks of an item.</summary>
    public JoinedBlocks JoinedOf(int member) => new(_joined[(long)member * (MostBlocks + 2)], _joined.Stride);

    /// <summary>A thread's memory for scores of a block.</summary>
    public PanelVectors ScoresOf(int member, int count) =>
        new(_scores[(long)member * _vectorsPerItem], _scores.Stride, count);

    /// <summary>A thread's memory for what <see cref="MixedHeads"/> compute.</summary>
    public float* MixedOf(int member) => _mixed[member];

    /// <summary>A thread's memory for products; empty without scales.</summary>
    public PanelScratch ProductsOf(int member)
    {
        if (_encoded.Count == 0) return default;
        var first = (long)member * _vectorsPerItem;
        var factors = _factors[member];
        return new PanelScratch(new PanelVectors(_encoded[first], _encoded.Stride, _vectorsPerItem), _products[first],
            factors + PanelInt8.MostDepth, factors);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Projected.Dispose();
        _queries.Dispose();
        _ownQueries.Dispose();
        _sums.Dispose();
        _softmax.Dispose();
        _ownSums.Dispose();
        _joined.Dispose();
        _outputs.Dispose();
        _ownSoftmax.Dispose();
        Heads.Dispose();
        _scores.Dispose();
        _mixed.Dispose();
        _encoded.Dispose();
        _products.Dispose();
        _factors.Dispose();
        Head.Dispose();
        Maps.Dispose();
        foreach (var part in _latent) part.Dispose();
    }
}
