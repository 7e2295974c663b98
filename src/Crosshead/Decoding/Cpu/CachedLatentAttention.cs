using Crosshead.Attention.Caches;
namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Latent attention over the cache of a layer. A token keeps its latent vector, as its value, and the rotated part of
/// its key, which all heads read. A score is the product of the rotated parts plus that of the query with the latent
/// vector.
/// </summary>
internal sealed unsafe class CachedLatentAttention<T> : CachedSoftmaxAttention<T>
    where T : unmanaged, IPanelElement<T>
{
    private readonly LatentWeights _latent;
    private readonly RotaryTable _rotary;
    private readonly float _scale;
    private readonly int _depth; // of the latent part of a key panel
    private readonly NativeBuffer<T> _panels; // [member] the keys of a page

    /// <summary>Allocates the pages of a layer.</summary>
    public CachedLatentAttention(AttentionWeights weights, AttentionScratch scratch, RotaryTable rotary,
        CacheFormat format, int pages, PageTables tables) : base(weights, scratch, rotary, format, null, pages, tables)
    {
        (_latent, _rotary) = (weights.Latent!, rotary);
        _scale = (float)(weights.Options.Latent!.ScaleFactor / Math.Sqrt(_latent.QueryWidth));
        _depth = Panel.RoundDepth(_latent.Kept);
        _panels = new NativeBuffer<T>((long)scratch.Members * PageTables.PageTokens * _depth);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _panels.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    public override int Phases => 3;

    /// <inheritdoc/>
    public override int Items(int phase, PassBlock pass) => phase switch
    {
        0 => Layout.Heads + pass.Count,
        1 => Plan.Groups * Plan.MostBlocks,
        _ => Layout.Heads,
    };

    /// <inheritdoc/>
    public override void Run(int phase, PassBlock pass, int first, int end, int member)
    {
        for (var item = first; item < end; item++)
        {
            if (phase == 1) Attend(pass, item, member);
            else if (phase == 2) Finish(pass, item, member);
            else if (item < Layout.Heads) PlaceQueries(pass, item, member);
            else PlaceToken(pass[item - Layout.Heads], item - Layout.Heads, member);
        }
    }

    private void Attend(PassBlock pass, int item, int member)
    {
        var group = Plan[item / Plan.MostBlocks];
        var (first, end) = Plan.BlocksOf(pass, group);
        var block = first + (item % Plan.MostBlocks);
        var queries = Scratch.QueriesFrom(Layout.FirstVector(group, 0), group.Count * Layout.Heads);
        if (block < end) Attend(pass, group, 0, block, queries, Scratch.Results, member);
    }

    private void Finish(PassBlock pass, int head, int member)
    {
        var (sums, first) = (Scratch.LatentRows(0), member * PassBlock.MaxRows);
        for (var row = 0; row < pass.Count; row++)
            Outputs.Join(Scratch.Results, Layout.Vector(pass.GroupOf(row, Layout.RowsPerGroup), row, head),
                Plan.BlocksOf(pass[row]), sums[first + row], member);
        _latent.Expand(head, sums, first, pass.Count, Scratch.Heads[0], Scratch.Heads.Stride);
    }

    /// <inheritdoc/>
    protected override void Score(int sequence, RowGroup group, int unit, AttentionSpan span, PanelVectors queries,
        PanelVectors scores, int member)
    {
        base.Score(sequence, group, unit, span, queries, scores, member);
        var latents = queries.From(Panel.Round(_latent.Rotated));
        Cache.AddProducts(sequence, 0, span.Start, span.Count, _depth, latents, scores,
            _panels.Pointer + ((long)member * PageTables.PageTokens * _depth));
    }

    // The queries of a head: the rotated part, then that which is multiplied by latent vectors.
    private void PlaceQueries(PassBlock pass, int head, int member)
    {
        var (first, count) = (member * PassBlock.MaxRows, pass.Count);
        var (plain, made, absorbed) = (Scratch.LatentRows(0), Scratch.LatentRows(1), Scratch.LatentRows(2));
        var queries = _latent.Queries(head, Scratch.Projected, count, plain, made, first, out var stride);
        for (var r = 0; r < count; r++)
        {
            var position = pass[r].Position;
            float* query = queries + ((long)r * stride), place = PlaceOf(pass, r, head);
            var scale = _scale * _rotary.QueryFactor(position);
            _latent.CopyRotated(query + _latent.Plain, place);
            _rotary.For(pass[r].Reach).Rotate(place, position, scale);
            new Span<float>(plain[first + r], plain.Stride).Clear();
            RowMath.AddScaled(query, scale, plain[first + r], _latent.Plain);
        }
        _latent.Absorb(head, plain, first, count, absorbed);
        for (var r = 0; r < count; r++)
            new ReadOnlySpan<float>(absorbed[first + r], _latent.Kept).CopyTo(
                new Span<float>(PlaceOf(pass, r, head) + Panel.Round(_latent.Rotated), _latent.Kept));
    }

    private void PlaceToken(in DecodeRow token, int row, int member)
    {
        var latent = Scratch.Projected[row] + (_latent.QueryRank ?? (Layout.Heads * _latent.QueryWidth));
        float* kept = Scratch.Head[2 * member], key = Scratch.Head[(2 * member) + 1];
        _latent.Keep(latent, Scratch.LatentRows(0)[member * PassBlock.MaxRows], kept);
        Cache.WriteValue(token.Slot, 0, token.Position, kept, _latent.Kept);
        _latent.CopyRotated(latent + _latent.Rank, key);
        _rotary.For(token.Reach).Rotate(key, token.Position, 1);
        Cache.WriteKey(token.Slot, 0, token.Position, key, _latent.Rotated);
    }

    private float* PlaceOf(PassBlock pass, int row, int head) =>
        Scratch.Query(Layout.Vector(pass.GroupOf(row, Layout.RowsPerGroup), row, head));
}
