using Crosshead.Attention.Caches;
using Crosshead.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>
/// Talking-Heads attention (arXiv 2003.02436; arXiv 2601.19611, eq. 7–9): scores are mixed across heads before the
/// softmax and weights after it. All scores exist at once, O(N·T·h) memory: no flash kernel computes this.
/// </summary>
public sealed class TalkingHeadsAttention : IAttention
{
    /// <summary>Most bytes of scores one call may ask for.</summary>
    public const long MaxScoreBytes = 4L << 30;

    private readonly AttentionProjections _projections;
    private readonly IHeadProjections _heads; // the projections, or their frozen form
    private readonly Parameter _logitMix, _weightMix; // [h, h]

    /// <summary>Creates <c>logit_mix</c> and <c>weight_mix</c> [h, h], both starting as the identity.</summary>
    /// <param name="scope">Where the parameters go.</param>
    /// <param name="projections">The projections.</param>
    /// <param name="cacheLayout">What decoding keeps per token.</param>
    public TalkingHeadsAttention(ParameterScope scope, AttentionProjections projections, CacheLayout cacheLayout)
    {
        (_heads, _projections, CacheLayout) = (projections, projections, cacheLayout);
        var h = projections.Heads;
        Parameter Mix(string name) => scope.Create(name, ParameterKind.Mix, Initialization.Identity, h, h);
        (_logitMix, _weightMix) = (Mix("logit_mix"), Mix("weight_mix"));
    }

    // The frozen form of a layer.
    private TalkingHeadsAttention(TalkingHeadsAttention layer)
    {
        (_projections, CacheLayout) = (layer._projections, layer.CacheLayout);
        (_logitMix, _weightMix) = (layer._logitMix, layer._weightMix);
        _heads = new FrozenProjections(_projections);
    }

    /// <inheritdoc/>
    public CacheLayout CacheLayout { get; }

    /// <summary>The projections.</summary>
    internal AttentionProjections Projections => _projections;

    /// <summary>The mixes of scores and of weights across heads, [h, h] each.</summary>
    internal (Parameter Logits, Parameter Weights) Mixes => (_logitMix, _weightMix);

    internal static AttentionTraits Traits { get; } = new()
    {
        IsSoftmax = false,
        OwnParameters = (options, _) => 2L * options.Heads * options.Heads,
        FlopsPerPair = (options, d) => (4 * options.Heads * d) + (4L * options.Heads * options.Heads),
    };

    /// <inheritdoc/>
    /// <exception cref="CrossheadException">The scores would take more than <see cref="MaxScoreBytes"/>.</exception>
    public Tensor Forward(Tensor x, TokenView view, KeyValueCache? cache = null)
    {
        var (query, key, value) = Heads(x, view, cache);                                              // [B,·,N or T,d]
        RequireMemory(query, key.shape[2]);

        var repeats = _projections.Heads / _projections.Groups;
        using Scalar scale = _projections.Scale; // named, so that it is not collected while native code reads it
        var scores = query.matmul(SoftmaxAttention.Repeat(key, repeats).transpose(2, 3)).mul(scale); // [B,h,N,T]
        var mixed = Mix(_logitMix.In(x.dtype), scores);                                               // eq. 7
        var unseen = view.Mask?.logical_not() ?? (view.Causal ? Future(scores) : null);
        if (unseen is not null) mixed = mixed.masked_fill(unseen, double.NegativeInfinity);
        var weights = Mix(_weightMix.In(x.dtype), mixed.softmax(-1));                                 // eq. 8
        var heads = weights.matmul(SoftmaxAttention.Repeat(value, repeats));                          // eq. 9
        return _projections.Merge(heads.transpose(1, 2));
    }

    private (Tensor Query, Tensor Key, Tensor Value) Heads(Tensor x, TokenView view, KeyValueCache? cache)
    {
        if (cache is not null)
        {
            var kept = _heads.Append(x, view, cache).Gathered(view.Place.Total(x.shape[1]));
            return (kept.Query.transpose(1, 2), kept.Keys, kept.Values);
        }
        var (query, key, value) = _heads.Project(x, view);                                      // [B,N,·,d]
        return (query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2));
    }

    /// <inheritdoc/>
    public IAttention Freeze() => new TalkingHeadsAttention(this);

    /// <inheritdoc/>
    public void Dispose() => _heads.Dispose();

    private static void RequireMemory(Tensor query, long keys)
    {
        var bytes = query.shape[0] * query.shape[1] * query.shape[2] * keys * query.ElementSize;
        if (bytes > MaxScoreBytes)
            throw new CrossheadException(
                $"talking-heads keeps the scores of all heads at once: batch {query.shape[0]} × "
                    + $"{query.shape[1]} heads × "
                + $"{query.shape[2]} × {keys} tokens take {bytes >> 20} MiB, {MaxScoreBytes >> 20} MiB are allowed; "
                + "shorten the context, lower the batch, or choose another variant.");
    }

    // out[b,i,n,t] = Σ_j mix[i,j] · maps[b,j,n,t]
    private static Tensor Mix(Tensor mix, Tensor maps)
    {
        var (batch, heads, count, keys) = (maps.shape[0], maps.shape[1], maps.shape[2], maps.shape[3]);
        return mix.matmul(maps.reshape(batch, heads, count * keys)).view(batch, heads, count, keys);
    }

    private static Tensor Future(Tensor scores) =>
        ones(scores.shape[2], scores.shape[3], ScalarType.Bool, scores.device).triu(1);
}
