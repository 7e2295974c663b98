using Crosshead.Attention.Caches;
using Crosshead.Attention.Composition;
using Crosshead.Kernels.StepAttention;
using Crosshead.Kernels.WeightProducts;
using Crosshead.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>
/// Projections whose weights no longer change. On a CUDA device they lie side by side: one product gives queries, keys
/// and values, and one kernel writes those of a decoding step. No gradients flow through the joint product.
/// </summary>
internal sealed class FrozenProjections : IHeadProjections
{
    private readonly AttentionProjections _layer;
    private readonly HeadRows? _keys, _values; // null for the layer's own
    private readonly bool _normKeys, _composes;
    private readonly Tensor? _queryMix, _queryMatrices;
    private readonly JointLinear? _joint;

    /// <summary>Fixes what is projected.</summary>
    /// <param name="layer">The layer's projections.</param>
    /// <param name="keys">Projection of the key rows, heads or components; null for the layer's own.</param>
    /// <param name="values">
    /// Projection of the value rows and, where the cache keeps factors, of the composed keys; null for the layer's own.
    /// </param>
    /// <param name="normKeys">Whether the key rows are heads, which are normed, and not components.</param>
    /// <param name="queryMix">
    /// The mix that queries carry, where it is one number a pair (<see cref="QueryMix.Pairs"/>); null for none.
    /// </param>
    /// <param name="queryMatrices">
    /// The mix that queries carry in any other form (<see cref="QueryMix.AsMatrices"/>); null for none.
    /// </param>
    /// <param name="composes">Whether several rows of a sequence read heads that are composed for them.</param>
    /// <param name="join">
    /// Whether to lay the weights side by side, where the device gains by it. The layer's own weights become parts of
    /// the joint one.
    /// </param>
    public FrozenProjections(
        AttentionProjections layer, HeadRows? keys = null, HeadRows? values = null,
        bool normKeys = true, Tensor? queryMix = null, Tensor? queryMatrices = null, bool composes = false,
        bool join = true)
    {
        (_layer, _keys, _values, _normKeys, _composes) = (layer, keys, values, normKeys, composes);
        (_queryMix, _queryMatrices) = (queryMix, queryMatrices);
        if (join) layer.FreezeNorms();
        if (!join || layer.Query.Weight.Device.type != DeviceType.CUDA) return; // weights in a file stay there
        (Linear, Tensor?, Tensor?) Part(Linear own, HeadRows? made) => (own, made?.Weight, made?.Bias);
        _joint = JointLinear.Of(Part(layer.Query, null), Part(layer.Key, keys), Part(layer.Value, values));
        layer.Output.Weight.Pack();
    }

    /// <inheritdoc/>
    public (Tensor Query, Tensor Key, Tensor Value) Project(Tensor x, TokenView view)
    {
        if (_joint is { } joint && joint.Holds(x))
            return _layer.Split(joint.Forward(x), _keys?.Weight.shape[0] ?? _layer.Key.Weight.Shape[0],
                _values?.Weight.shape[0] ?? _layer.Value.Weight.Shape[0], view, _normKeys);
        var (keys, values) = Rows(x.dtype);
        return _layer.Project(x, keys, values, view, _normKeys);
    }

    /// <inheritdoc/>
    public KeptTokens Append(Tensor x, TokenView view, KeyValueCache cache)
    {
        if (Step(x, view, cache) is { } step) return step;
        var (query, key, value) = Project(x, view);
        return KeptTokens.Append(cache, query, key, value, view.Place);
    }

    /// <summary>
    /// Projects one token of each sequence and adds it to the cache, by one product and one kernel. Queries carry the
    /// mix. Null where there is no kernel for it.
    /// </summary>
    /// <param name="x">[B, 1, D]</param>
    /// <param name="view">Where the tokens stand.</param>
    /// <param name="cache">What is kept of earlier tokens.</param>
    /// <param name="norm">The norm of x, where the product computes it (<see cref="CanNorm"/>).</param>
    public KeptTokens? Step(Tensor x, TokenView view, KeyValueCache cache, InputNorm? norm = null)
    {
        if (view.Place.Positions is not { } positions || _joint is not { } joint || !joint.Holds(x)
            || _layer.NormsWhole) return null;
        var (keys, values, factors) = cache.Whole;
        var (place, table) = (positions, view.Place.Table);
        if (cache.Scales is not null)
        {
            if (factors is not null) return null;
            // The token is written to memory of its own, and from there with its scales to the cache.
            ((keys, values), table) = (cache.Token(x.shape[0], x.dtype), null);
            place = cache.Origin!;
        }
        if (!StepHeads.Supports(x, view.Cos, keys, values)) return null;
        var (queryNorm, keyNorm) = (_layer.QueryNorm?.Factors, _normKeys ? _layer.KeyNorm?.Factors : null);
        var others = _composes ? view.Composed?.Many.Others : null; // one past the last that reads components
        var plain = others is null || _queryMix is null ? null
            : empty([x.shape[0], 1, _layer.Heads, _layer.HeadDim], x.dtype, x.device);
        var query = StepHeads.Apply(
            norm is { } own ? joint.Forward(x, own) : joint.Forward(x), view.Cos, view.Sin, queryNorm, keyNorm,
            _layer.NormEpsilon, _queryMix, place, keys, values, factors, table, plain,
            _queryMix is null ? null : others);
        if (_queryMatrices is not null)
        {
            plain = others is null ? null : query;
            query = GroupProduct.Of(query.transpose(1, 2), _queryMatrices).transpose(1, 2);
        }
        if (cache.Scales is not null) cache.Append(keys, values, view.Place);
        (keys, values, factors) = cache.Seen(view.Place);
        return new KeptTokens(view.Grown(query), keys, values, factors, view.Place.Table, cache.Scales)
        {
            PlainQuery = plain is null ? null : view.Grown(plain),
        };
    }

    /// <summary>
    /// Attends one token of each sequence to its cache, which it is added to, by one product and one kernel. Null where
    /// there is no kernel for it.
    /// </summary>
    /// <param name="x">[B, 1, D]</param>
    /// <param name="view">Where the tokens stand.</param>
    /// <param name="cache">What is kept of earlier tokens: whole heads.</param>
    /// <param name="sinks">A further score of each head that has no value, [h]; null for none.</param>
    /// <param name="norm">The norm of x, where the product computes it (<see cref="CanNorm"/>).</param>
    /// <returns>[B, 1, h, d]</returns>
    public Tensor? Attend(Tensor x, TokenView view, KeyValueCache cache, Tensor? sinks, InputNorm? norm = null)
    {
        var isPlain = view is { Begins: null, Pieces: null, Composed: null, QueryFactors: null };
        if (!isPlain || view is not { Place.Positions: { } positions, Length: not null }
            || _joint is not { } joint || !joint.Holds(x) || (_queryMix ?? _queryMatrices) is not null
            || _layer.NormsWhole || cache.Scales is not null) return null;
        var (keys, values, factors) = cache.Whole;
        var table = view.Place.Table;
        var (queryNorm, keyNorm) = (_layer.QueryNorm?.Factors, _normKeys ? _layer.KeyNorm?.Factors : null);
        var scores = new ScoreForm(_layer.Scale, _layer.ScoreCap, sinks);
        if (factors is not null || keys.shape[1] != _layer.Groups || keys.shape[3] != _layer.HeadDim
            || !TokenAttention.Supports(x, view.Cos, keys, values, _layer.Heads, view.Place.Seen, table is not null,
                queryNorm, keyNorm, scores.Kind)) return null;
        return TokenAttention.Apply(norm is { } own ? joint.Forward(x, own) : joint.Forward(x), view.Cos, view.Sin,
            queryNorm, keyNorm, _layer.NormEpsilon, positions, keys, values, table, scores);
    }

    /// <summary>Whether the joint product norms these activations itself.</summary>
    public bool CanNorm(Tensor x) => _joint is { } joint && joint.CanNorm(x);

    /// <inheritdoc/>
    public void Dispose() => _joint?.Dispose();

    private (HeadRows Keys, HeadRows Values) Rows(ScalarType type) =>
        (_keys ?? _layer.OwnKeys(type), _values ?? _layer.OwnValues(type));
}
