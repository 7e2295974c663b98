using Crosshead.Attention.Caches;
using Crosshead.Layers;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>
/// Differential attention (arXiv 2410.05258): heads come in pairs, a pair's map is the difference of two softmax maps,
/// A = softmax(S_2i) − λ softmax(S_2i+1), over the pair's two value heads side by side (width 2d), normed and scaled.
/// </summary>
public sealed class DifferentialAttention : IAttention
{
    private readonly AttentionProjections _projections;
    private readonly IHeadProjections _heads; // the projections, or their frozen form
    private readonly Parameter _lambdaQ1, _lambdaK1, _lambdaQ2, _lambdaK2; // [d]
    private readonly HeadNorm _norm; // [2d]
    private readonly Tensor? _frozenLambda; // a scalar; null where the layer trains

    /// <summary>
    /// Creates <c>lambda_q1</c> … <c>lambda_k2</c> [d] ~ N(0, 0.1) and <c>head_norm.weight</c> [2d] from 1.
    /// </summary>
    /// <param name="scope">Where the parameters go.</param>
    /// <param name="projections">The projections, to an even number of heads.</param>
    /// <param name="cacheLayout">What decoding keeps per token.</param>
    /// <param name="layer">Index of the layer, from 0; decides λ_init = 0.8 − 0.6·e^(−0.3·layer).</param>
    /// <param name="normEpsilon">What the norm adds to the mean square.</param>
    public DifferentialAttention(
        ParameterScope scope, AttentionProjections projections, CacheLayout cacheLayout, int layer, double normEpsilon)
    {
        (_heads, _projections, CacheLayout) = (projections, projections, cacheLayout);
        LambdaStart = 0.8 - (0.6 * Math.Exp(-0.3 * layer));
        var d = _projections.HeadDim;
        Parameter Lambda(string name) => scope.Create(name, ParameterKind.Mix, Initialization.Normal(0.1), d);
        (_lambdaQ1, _lambdaK1) = (Lambda("lambda_q1"), Lambda("lambda_k1"));
        (_lambdaQ2, _lambdaK2) = (Lambda("lambda_q2"), Lambda("lambda_k2"));
        _norm = new HeadNorm(
            scope["head_norm"], _projections.Heads / 2, 2 * d, HeadNormKind.Shared, start: 1, normEpsilon);
    }

    // The frozen form of a layer.
    private DifferentialAttention(DifferentialAttention layer)
    {
        (_projections, _norm, CacheLayout) = (layer._projections, layer._norm, layer.CacheLayout);
        (_lambdaQ1, _lambdaK1) = (layer._lambdaQ1, layer._lambdaK1);
        (_lambdaQ2, _lambdaK2) = (layer._lambdaQ2, layer._lambdaK2);
        LambdaStart = layer.LambdaStart;
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        _frozenLambda = Lambda(_projections.Query.Weight.Type).DetachFromDisposeScope();
        _heads = new FrozenProjections(_projections);
    }

    /// <inheritdoc/>
    public CacheLayout CacheLayout { get; }

    /// <summary>The projections.</summary>
    internal AttentionProjections Projections => _projections;

    /// <summary>Norm of the outputs of pairs of heads [2d].</summary>
    internal HeadNorm HeadNorm => _norm;

    /// <summary>λ_init.</summary>
    internal double LambdaStart { get; }

    /// <summary>λ_q1, λ_k1, λ_q2, λ_k2 [d].</summary>
    internal (Parameter Q1, Parameter K1, Parameter Q2, Parameter K2) LambdaVectors =>
        (_lambdaQ1, _lambdaK1, _lambdaQ2, _lambdaK2);

    // h maps of width d over values of width 2d.
    internal static AttentionTraits Traits { get; } = new()
    {
        ValueHeadsPerRow = 2,
        OwnParameters = (_, d) => (4 * d) + (2 * d),
        FlopsPerPair = (options, d) => 6 * options.Heads * d,
        Check = options =>
        {
            if (options.Groups % 2 != 0 || options.Heads % 2 != 0)
                throw new CrossheadException(
                    $"differential attention pairs heads: heads ({options.Heads}) and keyValueHeads ({options.Groups}) "
                    + "must be even.");
            if (options.SlidingWindow is not null)
                throw new CrossheadException("slidingWindow is not supported for differential attention; remove it.");
        },
    };

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, TokenView view, KeyValueCache? cache = null)
    {
        var (batch, count, d) = (x.shape[0], x.shape[1], _projections.HeadDim);
        var (pairs, repeats) = (_projections.Groups / 2, _projections.Heads / _projections.Groups);

        // Both maps of a pair read the same values.
        var attended = cache is null ? AttendWithin(x, view) : AttendCached(x, view, cache);
        var maps = attended.view(batch, count, pairs, 2, repeats, 2 * d);

        var lambda = _frozenLambda ?? Lambda(x.dtype);
        var difference = maps.select(3, 0) - (lambda * maps.select(3, 1));                            // [B,N,g/2,r,2d]
        var heads = difference.reshape(batch, count, -1, 2 * d);                                      // [B,N,h/2,2d]
        return _projections.Merge(_norm.Forward(heads).Times(1 - LambdaStart));
    }

    /// <inheritdoc/>
    public IAttention Freeze() => new DifferentialAttention(this);

    /// <inheritdoc/>
    public void Dispose()
    {
        _heads.Dispose();
        _frozenLambda?.Dispose();
    }

    private Tensor AttendWithin(Tensor x, TokenView view)
    {
        var (query, key, value) = _heads.Project(x, view);                                            // [B,N,·,d]
        var wide = value.reshape(x.shape[0], x.shape[1], -1, 2 * _projections.HeadDim);               // [B,N,g/2,2d]
        return SoftmaxAttention.AttendWithin(Sides(query), key, wide, view, _projections.Scale);
    }

    private Tensor AttendCached(Tensor x, TokenView view, KeyValueCache cache)
    {
        var kept = _heads.Append(x, view, cache);                                 // [B,N,h,d], [B,g,T,d], [B,g/2,T,2d]
        var query = Sides(kept.Query).transpose(1, 2);
        var maps = SoftmaxAttention.Attend(query, kept.Keys, kept.Values, view, _projections.Scale,
            keyFactors: null, kept.Table, cap: null, sinks: null, kept.Scales);
        return maps.transpose(1, 2).contiguous();
    }

    // Grouped heads want the queries of a key head side by side: (pair, repeat, side) → (pair, side, repeat).
    private Tensor Sides(Tensor query) =>
        query.view(query.shape[0], query.shape[1], _projections.Groups / 2, -1, 2, _projections.HeadDim)
            .transpose(3, 4).reshape(query.shape);

    // λ = e^(λq1·λk1) − e^(λq2·λk2) + λ_init, in full precision.
    private Tensor Lambda(ScalarType type)
    {
        static Tensor ExpDot(Parameter q, Parameter k) => (q.Value * k.Value).sum().exp();
        return (ExpDot(_lambdaQ1, _lambdaK1) - ExpDot(_lambdaQ2, _lambdaK2)).Plus(LambdaStart).to(type);
    }
}
