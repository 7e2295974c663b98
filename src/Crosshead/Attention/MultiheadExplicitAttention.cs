using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>
/// Multi-head Explicit Attention (arXiv 2601.19611, eq. 10–12): keys and values are learned linear compositions of
/// component heads, and every head's output is normed.
/// <para>
/// With fewer components than heads the cache keeps the components alone; scores then come from queries that carry
/// the mix, and values are composed after the weighted sum.
/// </para>
/// </summary>
public sealed class MultiheadExplicitAttention : GroupNormAttention
{
    private readonly HeadComposition? _keys, _values;
    private Tensor? _foldedKey, _foldedValue;

    /// <summary>Creates the projections, <c>k_mix</c>, <c>v_mix</c> and <c>head_norm.weight</c> as the options ask.</summary>
    public MultiheadExplicitAttention(ParameterScope scope, int width, AttentionOptions options, double standardDeviation, double residualDeviation)
        : base(scope, width, options, standardDeviation, residualDeviation)
    {
        if (options.ComposesKeys)
            _keys = new HeadComposition(scope, "k_mix", options.KeyRows, options.Groups, Projections.HeadDim, options.MixStart);
        if (options.ComposesValues)
            _values = new HeadComposition(scope, "v_mix", options.ValueRows, options.Groups, Projections.HeadDim, options.MixStart);
    }

    /// <inheritdoc/>
    public override long CacheElementsPerToken
    {
        get
        {
            var (keys, values) = (KeyRow, ValueRow);
            return (keys.Rows * keys.Width) + (values.Rows * values.Width);
        }
    }

    // Components are kept side by side in one row that all heads read; whole heads are kept as heads.
    private (long Rows, long Width) KeyRow => RowOf(KeptKeys);

    private (long Rows, long Width) ValueRow => RowOf(KeptValues);

    private HeadComposition? KeptKeys => Kept(_keys);

    private HeadComposition? KeptValues => Kept(_values);

    /// <inheritdoc/>
    public override KeyValueCache CreateCache(long batch, long capacity, ScalarType type) =>
        new(batch, capacity, KeyRow, ValueRow, type, Projections.Query.Weight.Value.device);

    /// <inheritdoc/>
    public override void Fold()
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        _foldedKey = _keys?.ComposeWeight(Projections.Key.Weight.Value).DetachFromDisposeScope();
        _foldedValue = _values?.ComposeWeight(Projections.Value.Weight.Value).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _foldedKey?.Dispose();
        _foldedValue?.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override Tensor KeyWeight(ScalarType type, bool forCache) =>
        Weight(Projections.Key, _keys, _foldedKey, forCache && KeptKeys is not null, type);

    /// <inheritdoc/>
    protected override Tensor ValueWeight(ScalarType type, bool forCache) =>
        Weight(Projections.Value, _values, _foldedValue, forCache && KeptValues is not null, type);

    /// <inheritdoc/>
    protected override Tensor AttendCached(Tensor query, Tensor key, Tensor value, TokenSpan span, KeyValueCache cache)
    {
        var (keys, values) = cache.Append(Rows(key, KeyRow), Rows(value, ValueRow));   // [B,rows,T,width]
        if (KeptKeys is { } k) query = k.Absorb(query);                                 // [B,h,N,c·d]
        if (keys.shape[1] < values.shape[1]) keys = keys.expand(-1, values.shape[1], -1, -1);
        if (values.shape[1] < keys.shape[1]) values = values.expand(-1, keys.shape[1], -1, -1);
        var heads = SoftmaxAttention.Attend(query, keys, values, span, Projections.Scale);
        return KeptValues is { } v ? v.Expand(heads) : heads;
    }

    private static Tensor Weight(Linear projection, HeadComposition? composition, Tensor? folded, bool components, ScalarType type)
    {
        if (composition is null || components) return projection.Weight.In(type);
        return folded?.to(type) ?? composition.ComposeWeight(projection.Weight.In(type));
    }

    // With c ≥ g the composed heads are no larger than the components, and need no work later.
    private static HeadComposition? Kept(HeadComposition? composition) =>
        composition is not null && composition.Components < composition.Groups ? composition : null;

    private (long Rows, long Width) RowOf(HeadComposition? kept) =>
        kept is null ? (Projections.Groups, Projections.HeadDim) : (1, kept.Components * Projections.HeadDim);

    // [B,N,n,d] → [B,rows,N,width]
    private static Tensor Rows(Tensor x, (long Rows, long Width) row) =>
        x.reshape(x.shape[0], x.shape[1], row.Rows, row.Width).transpose(1, 2);
}
