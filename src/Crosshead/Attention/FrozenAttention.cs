using Crosshead.Attention.Caches;
using Crosshead.Attention.Composition;
using Crosshead.Kernels.Products;
using Crosshead.Kernels.StepAttention;
using Crosshead.Kernels.WeightProducts;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>
/// <see cref="MultiheadAttention"/> whose weights no longer change: the mixes are multiplied into the projections once.
/// <para>
/// Where the components are fewer numbers than the heads, the cache keeps the components. Then no key or value is
/// composed: the queries carry the key mix, and the value mix is applied to the weighted sums, whatever the grain.
/// </para>
/// </summary>
internal sealed class FrozenAttention : IAttention
{
    private readonly ScalarType _type;
    private readonly List<Tensor>? _owned;                     // null where the caller's dispose scope owns all
    private readonly FrozenProjections _kept;                  // to the queries and to what the cache keeps
    private readonly bool _keysFollowValues;                   // whether _kept gives whole keys too, behind the values
    private readonly HeadRows? _composedKeys, _composedValues; // to the heads [g·d, D]; null for the layer's own
    private readonly Tensor? _queryMatrices, _sumMix;          // [g, d, c·d] and [g, r, d]; null where heads are kept
    private readonly Tensor? _keyMatrices;                     // _queryMatrices, row by row; null if not for good

    /// <summary>
    /// Freezes a layer for one call in the given precision. The caller's dispose scope owns what is made.
    /// </summary>
    public FrozenAttention(MultiheadAttention layer, ScalarType type) : this(layer, type, null)
    {
    }

    private FrozenAttention(MultiheadAttention layer, ScalarType type, List<Tensor>? owned)
    {
        (Layer, _type, _owned) = (layer, type, owned);
        var (lasting, keys, values) = (owned is not null, CacheLayout.Keys, CacheLayout.Values);
        var keyMix = keys.AreComponents ? layer.KeyMix?.QueryMix(type) : null;
        if (keyMix is not null) _queryMatrices = Turned(keyMix.AsMatrices());
        var pairs = keyMix?.Rest is null ? keyMix?.Pairs : null;
        if (lasting && pairs is not null) pairs = Keep(pairs.contiguous());
        if (lasting && _queryMatrices?.device.type == DeviceType.CUDA)
            _keyMatrices = Keep(_queryMatrices.contiguous());
        if (values.AreComponents && layer.ValueMix is { } valueMix) _sumMix = Turned(valueMix.SumMix(type));

        // One call asks for the heads only where they are kept, or normed.
        if (layer.KeyMix is not null && (lasting || !keys.AreComponents || layer.KeyFactors is not null))
            _composedKeys = Keep(layer.Keys(type));
        if (layer.ValueMix is not null && (lasting || !values.AreComponents))
            _composedValues = Keep(layer.Values(type));
        var keptKeys = keys.AreComponents ? null : _composedKeys;
        var keptValues = values.AreComponents ? null : _composedValues;
        // On the CPU nothing is joined, and a copy of weights that may be mapped from a file would be for nothing.
        var own = layer.Projections;
        _keysFollowValues = lasting && layer.KeyFactors is not null
            && own.Query.Weight.Device.type == DeviceType.CUDA;
        if (_keysFollowValues) keptValues = Keep((keptValues ?? own.OwnValues(type)).Above(Keys));
        _kept = new FrozenProjections(own, keptKeys, keptValues, normKeys: !keys.AreComponents, pairs,
            pairs is null ? _queryMatrices : null, composes: _keyMatrices is not null && _sumMix is not null,
            join: lasting);
    }

    /// <summary>The layer that was frozen.</summary>
    public MultiheadAttention Layer { get; }

    /// <inheritdoc/>
    public CacheLayout CacheLayout => Layer.CacheLayout;

    // The projections to whole heads.
    private HeadRows Keys => _composedKeys ?? Layer.Projections.OwnKeys(_type);

    private HeadRows Values => _composedValues ?? Layer.Projections.OwnValues(_type);

    /// <summary>Freezes a layer for good, in the precision of its parameters.</summary>
    public static FrozenAttention Of(MultiheadAttention layer)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        return new FrozenAttention(layer, layer.Projections.Query.Weight.Type, []);
    }

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, TokenView view, KeyValueCache? cache = null) =>
        Layer.Merge(cache is null ? AttendWithin(x, view) : AttendCached(x, view, cache));        // [B,N,h,d] → [B,N,D]

    /// <inheritdoc/>
    public IAttention Freeze() => Of(Layer);

    /// <inheritdoc/>
    public void Dispose()
    {
        _kept.Dispose();
        foreach (var tensor in _owned ?? []) tensor.Dispose();
    }

    /// <summary>
    /// x + forward(norm(x)) of one token of each sequence; null where the product with x does not compute its norm.
    /// </summary>
    /// <param name="x">[B, 1, D]</param>
    /// <param name="norm">The norm.</param>
    /// <param name="view">Where the tokens stand.</param>
    /// <param name="cache">What is kept of earlier tokens.</param>
    public Tensor? Step(Tensor x, InputNorm norm, TokenView view, KeyValueCache cache)
    {
        if (!_kept.CanNorm(x)) return null;
        var heads = AttendAtOnce(x, view, cache, norm);
        if (heads is null && _kept.Step(x, view, cache, norm) is { } kept) heads = Attend(kept, view);
        return heads is null ? null : Layer.MergeSum(heads, x);
    }

    private Tensor? AttendAtOnce(Tensor x, TokenView view, KeyValueCache cache, InputNorm? norm) =>
        _sumMix is null && !_keysFollowValues ? _kept.Attend(x, view, cache, Layer.Sinks?.In(x.dtype), norm) : null;

    private Tensor AttendWithin(Tensor x, TokenView view)
    {
        var keepsHeads = !CacheLayout.Keys.AreComponents && !CacheLayout.Values.AreComponents;
        var own = Layer.Projections;
        var (query, key, value) = keepsHeads ? _kept.Project(x, view) : own.Project(x, Keys, Values, view);
        return SoftmaxAttention.AttendWithin(query, key, value, view, own.Scale, own.ScoreCap,
            Layer.Sinks?.In(x.dtype));
    }

    private Tensor AttendCached(Tensor x, TokenView view, KeyValueCache cache) =>
        AttendAtOnce(x, view, cache, null) ?? Attend(Append(x, view, cache), view);

    private Tensor Attend(KeptTokens kept, TokenView view)
    {
        if (AttendComposed(kept, view) is { } composed) return composed.transpose(1, 2);
        // [B,N,h,width], [B,rows,T,width], [B,rows',T,width'], [B,g,T]
        var (query, keys, values, keyFactors, table, scales) = kept;
        var (keyRows, valueRows) = (CacheLayout.Keys.Count, CacheLayout.Values.Count);
        if (keyRows < valueRows) keys = keys.expand(-1, valueRows, -1, -1);
        if (valueRows < keyRows) values = values.expand(-1, keyRows, -1, -1);
        scales = scales?.For(keyRows, valueRows);
        query = query.transpose(1, 2);
        var heads = SoftmaxAttention.Attend(query, keys, values, view, Layer.Projections.Scale, keyFactors,
            table, Layer.Projections.ScoreCap, Layer.Sinks?.In(query.dtype), scales);
        if (_sumMix is not null) heads = GroupProduct.Of(heads, _sumMix);                         // [B,h,N,d]
        return heads.transpose(1, 2);
    }

    // Of a pass over pages: several rows of a sequence read its heads, composed for them, and the others components.
    private Tensor? AttendComposed(KeptTokens kept, TokenView view)
    {
        if (view.Composed is not { } work || _keyMatrices is null || _sumMix is null
            || kept.PlainQuery is not { } plain) return null;
        var (own, table, many) = (Layer.Projections, kept.Table!, work.Many);
        var scores = new ScoreForm(own.Scale, own.ScoreCap, Layer.Sinks?.In(plain.dtype));
        Tensor Read(Tensor query, Tensor keys, Tensor values, Tensor pages, Tensor? factors, PieceWork pieces,
            Tensor? into) => DecodeAttention.ApplyPaged(query.transpose(1, 2), keys, values, pages, scores, factors,
                view.Begins, view.Length, pieces, into: into);
        var sums = Read(kept.Query, kept.Keys, kept.Values, table, kept.KeyFactors, work.Few, null); // [B,h,1,r]
        var valueMatrices = _sumMix.transpose(1, 2);                                                // [g,d,r]
        var heads = SkinnyMatMul.ApplyGroups(sums, valueMatrices, many.Others);                     // [B,h,1,d]
        var keys = many.Room(many.Keys, own.Groups, own.HeadDim);
        var values = many.Room(many.Values, own.Groups, own.HeadDim);
        ComposePages.Apply(kept.Keys, _keyMatrices, kept.KeyFactors, kept.Values, valueMatrices, many.Pages, keys,
            values);
        return Read(plain, keys, values, many.Table, null, many.Pieces, heads);
    }

    private KeptTokens Append(Tensor x, TokenView view, KeyValueCache cache)
    {
        if (_kept.Step(x, view, cache) is { } step) return step;
        var (query, key, value) = _kept.Project(x, view);
        if (_queryMatrices is not null)
            query = GroupProduct.Of(query.transpose(1, 2), _queryMatrices).transpose(1, 2);       // [B,N,h,c·d]
        Tensor? wholeKeys = null;                                                                 // [B,N,g·d]
        if (_keysFollowValues)
        {
            var (both, own) = (value.flatten(2), CacheLayout.Values.Elements);
            (value, wholeKeys) = (both.narrow(2, 0, own), both.narrow(2, own, both.shape[2] - own));
        }
        var kept = KeptTokens.Append(cache, query, key, value, view.Place);
        if (Layer.KeyFactors is not { } keyFactors) return kept;
        return kept with { KeyFactors = cache.AppendKeyFactors(keyFactors.Of(wholeKeys ?? Keys.Apply(x)), view.Place) };
    }

    private Tensor Keep(Tensor made)
    {
        _owned?.Add(made.DetachFromDisposeScope());
        return made;
    }

    private HeadRows Keep(HeadRows made) => new(Keep(made.Weight), made.Bias is { } bias ? Keep(bias) : null);

    // Kept for good, the columns lie in memory one after the other.
    private Tensor Turned(Tensor mix) => _owned is null ? mix : Keep(mix.transpose(1, 2).contiguous().transpose(1, 2));
}
