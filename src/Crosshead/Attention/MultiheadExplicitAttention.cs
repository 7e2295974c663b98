using Crosshead.Attention.Caches;
using Crosshead.Attention.Composition;
using Crosshead.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>
/// Multi-head Explicit Attention (arXiv 2601.19611, eq. 10–12): keys and values are learned linear compositions of
/// component heads, and every head's output is normed.
/// <para>
/// Where the components are fewer numbers than the heads the cache keeps the components alone; scores then come from
/// queries that carry the mix, and values are composed after the weighted sum, whatever the grain.
/// </para>
/// </summary>
public sealed class MultiheadExplicitAttention : GroupNormAttention
{
    private readonly IKeyComposition? _keys;
    private readonly IValueComposition? _values;
    private readonly KeyNormScales? _scales;
    private HeadRows? _foldedKeys, _foldedValues, _foldedValuesAndKeys; // the last: one product for what is kept of values and for the keys whose norm is
    private Tensor? _foldedQueryMix, _foldedQueryMatrices, _foldedSumMix;

    /// <summary>Creates the projections, <c>k_mix</c>, <c>v_mix</c> and <c>head_norm.weight</c> as the options ask.</summary>
    public MultiheadExplicitAttention(ParameterScope scope, int width, AttentionOptions options, double standardDeviation, double residualDeviation)
        : base(scope, width, options, standardDeviation, residualDeviation)
    {
        var (groups, d) = (options.Groups, Projections.HeadDim);
        if (options.ComposesKeys)
            _keys = options.KeyGrain == KeyGrain.Frequency
                ? new FrequencyComposition(scope, options.ProjectedKeyHeads, groups, d)
                : new HeadComposition(scope, "k_mix", options.ProjectedKeyHeads, groups, d, options.MixStart);
        if (options.ComposesValues)
            _values = options.ValueRank is { } rank
                ? new DenseComposition(scope, rank, groups, d)
                : new HeadComposition(scope, "v_mix", options.ProjectedValueHeads, groups, d, options.MixStart);
        if (CacheLayout.KeyFactors > 0 && Projections.KeyNorm is { } norm)
            _scales = new KeyNormScales(norm.Weight, groups, options.QueryKeyNormEpsilon);
    }

    // Components are kept side by side in one row that all heads read; whole heads are kept as heads. Components that
    // are no fewer than the heads are composed at once: the heads are no larger, and need no work later.
    private IKeyComposition? KeptKeys => CacheLayout.Keys.AreComponents ? _keys : null;

    private IValueComposition? KeptValues => CacheLayout.Values.AreComponents ? _values : null;

    /// <inheritdoc/>
    public override void Fold()
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        _foldedKeys = Detach(ComposedKeys(Projections.Key.Weight.Value.dtype));
        _foldedValues = Detach(ComposedValues(Projections.Value.Weight.Value.dtype));
        var type = Projections.Query.Weight.Value.dtype;
        _foldedQueryMix = KeptKeys?.QueryMix(type).contiguous().DetachFromDisposeScope();
        _foldedQueryMatrices = Turned(_foldedQueryMix is { } mix ? QueryMix.AsMatrices(mix) : null);
        _foldedSumMix = Turned(KeptValues?.SumMix(type));
        // Elsewhere nothing is joined, and a copy of weights that may be mapped from a file would be for nothing.
        if (_scales is not null && Projections.Value.Weight.Value.device_type == DeviceType.CUDA) _foldedValuesAndKeys = Detach(Beside(CachedValues(type), Keys(type)));
        Projections.Join(CachedKeys(type), _foldedValuesAndKeys ?? CachedValues(type));
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var rows in new[] { _foldedKeys, _foldedValues, _foldedValuesAndKeys })
        {
            rows?.Weight.Dispose();
            rows?.Bias?.Dispose();
        }
        foreach (var mix in new[] { _foldedQueryMix, _foldedQueryMatrices, _foldedSumMix }) mix?.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override HeadRows Keys(ScalarType type) => In(_foldedKeys, type) ?? ComposedKeys(type) ?? base.Keys(type);

    /// <inheritdoc/>
    protected override HeadRows Values(ScalarType type) => In(_foldedValues, type) ?? ComposedValues(type) ?? base.Values(type);

    /// <inheritdoc/>
    protected override Tensor AttendCached(Tensor x, TokenSpan span, KeyValueCache cache)
    {
        if (KeptKeys is null && KeptValues is null) return base.AttendCached(x, span, cache);
        var (query, keys, values, scales) = Append(x, span, cache);                                   // [B,N,h,width], [B,rows,T,width], [B,g,T]
        query = query.transpose(1, 2);                                                                // [B,h,N,width]
        if (keys.shape[1] < values.shape[1]) keys = keys.expand(-1, values.shape[1], -1, -1);
        if (values.shape[1] < keys.shape[1]) values = values.expand(-1, keys.shape[1], -1, -1);
        var heads = SoftmaxAttention.Attend(query, keys, values, span, Projections.Scale, scales);    // [B,h,N,width]
        if (KeptValues is { } v) heads = GroupProduct.Of(heads, In(_foldedSumMix, x.dtype) ?? v.SumMix(x.dtype));       // [B,h,N,d]
        return heads.transpose(1, 2);
    }

    private KeptTokens Append(Tensor x, TokenSpan span, KeyValueCache cache)
    {
        var (rows, both) = (CachedKeys(x.dtype), In(_foldedValuesAndKeys, x.dtype));
        if (Projections.Step(x, rows, both ?? CachedValues(x.dtype), span, cache, normKeys: KeptKeys is null, In(_foldedQueryMix, x.dtype)) is { } kept) return kept;
        var (query, key, value) = Projections.Project(x, rows, both ?? CachedValues(x.dtype), span, normKeys: KeptKeys is null);
        if (KeptKeys is { } k)                                                                        // [B,N,h,c·d]
            query = GroupProduct.Of(query.transpose(1, 2), In(_foldedQueryMatrices, x.dtype) ?? QueryMix.AsMatrices(k.QueryMix(x.dtype))).transpose(1, 2);
        value = value.flatten(2);                                                                     // [B,N,rows·width] and, of both, [B,N,g·d]
        var own = CacheLayout.Values.Elements;
        var (keys, values) = cache.Append(cache.AsKeys(key), cache.AsValues(value.narrow(2, 0, own)), span.Place);
        var scales = _scales is null ? null : cache.AppendScales(
            _scales.Of(both is null ? Keys(x.dtype).Apply(x) : value.narrow(2, own, value.shape[2] - own)), span.Place);
        return new KeptTokens(query, keys, values, scales);
    }

    // The projections of what the cache keeps.
    private HeadRows CachedKeys(ScalarType type) => KeptKeys is null ? Keys(type) : Projections.OwnKeys(type);

    private HeadRows CachedValues(ScalarType type) => KeptValues is null ? Values(type) : Projections.OwnValues(type);

    private HeadRows? ComposedKeys(ScalarType type)
    {
        if (_keys is null) return null;
        var rows = Composed(Projections.OwnKeys(type), _keys.ComposeWeight);
        return _scales is null ? rows : _scales.WithoutNorm(rows);
    }

    private HeadRows? ComposedValues(ScalarType type) =>
        _values is null ? null : Composed(Projections.OwnValues(type), _values.ComposeWeight);

    private static HeadRows Composed(HeadRows components, Func<Tensor, Tensor> compose) =>
        new(compose(components.Weight), components.Bias is { } bias ? compose(bias.unsqueeze(1)).squeeze(1) : null);

    private static HeadRows Beside(HeadRows first, HeadRows second) =>
        new(cat([first.Weight, second.Weight]), first.Bias is { } a && second.Bias is { } b ? cat([a, b]) : null);

    private static HeadRows? In(HeadRows? rows, ScalarType type) => rows is { } r ? r.Weight.dtype == type ? r : new(r.Weight.to(type), r.Bias?.to(type)) : null;

    // The same, its columns in memory side by side.
    private static Tensor? Turned(Tensor? mix) => mix?.transpose(1, 2).contiguous().transpose(1, 2).DetachFromDisposeScope();

    private static Tensor? In(Tensor? mix, ScalarType type) => mix?.to(type);

    private static HeadRows? Detach(HeadRows? rows) =>
        rows is { } r ? new(r.Weight.DetachFromDisposeScope(), r.Bias?.DetachFromDisposeScope()) : null;
}
