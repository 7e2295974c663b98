using Crosshead.Attention.Caches;
using Crosshead.Attention.Composition;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>
/// Multi-head Explicit Attention (arXiv 2601.19611, eq. 10–12). Keys and values are projected to component heads;
/// learned mixes compose the heads from them; each query head attends; a norm makes all head outputs equally large:
/// <code>
/// K_g = Σ_c k_mix[c, g] · K_c                              (eq. 10)
/// V_g = Σ_c v_mix[c, g] · V_c                              (eq. 11)
/// C_i = softmax(φ(Q_i) φ(K_G(i))ᵀ / √d) V_G(i)             (eq. 12; φ turns by position, G(i) = i div (h/g))
/// Y   = concat_i(HeadNorm(C_i)) W_O
/// </code>
/// Each part may be missing. Without mixes and norm this is grouped-query attention (<c>gqa</c>), with the norm alone
/// <c>groupnorm</c>, with the mixes alone <c>mea-no-norm</c>, with all of them <c>mea</c>.
/// </summary>
public sealed class MultiheadAttention : IAttention
{
    private readonly KeyFactors? _carried; // the norm whose weight the key components carry; null for none

    /// <summary>Puts a mechanism together.</summary>
    /// <param name="projections">The projections to queries, components and the residual stream.</param>
    /// <param name="cacheLayout">What decoding keeps per token.</param>
    /// <param name="keyMix">Composes key heads from components; null where the key projection gives the heads.</param>
    /// <param name="valueMix">
    /// Composes value heads from components; null where the value projection gives the heads.
    /// </param>
    /// <param name="headNorm">Norm of the head outputs; null for none.</param>
    /// <param name="sinks">A further score of each head that has no value, [h]; null for none.</param>
    /// <param name="componentsCarryNorm">Whether key components carry the weight of the norm of keys.</param>
    public MultiheadAttention(
        AttentionProjections projections, CacheLayout cacheLayout,
        IKeyComposition? keyMix, IValueComposition? valueMix, HeadNorm? headNorm, Parameter? sinks = null,
        bool componentsCarryNorm = false)
    {
        Sinks = sinks;
        (Projections, CacheLayout, KeyMix, ValueMix, HeadNorm) = (projections, cacheLayout, keyMix, valueMix, headNorm);
        if (componentsCarryNorm && projections.KeyNorm is { } norm)
            _carried = new KeyFactors(norm, projections.Groups, projections.NormEpsilon, projections.NormsWhole);
    }

    /// <summary>The projections.</summary>
    public AttentionProjections Projections { get; }

    /// <inheritdoc/>
    public CacheLayout CacheLayout { get; }

    /// <summary>Composes key heads from components; null for none.</summary>
    internal IKeyComposition? KeyMix { get; }

    /// <summary>Composes value heads from components; null for none.</summary>
    internal IValueComposition? ValueMix { get; }

    /// <summary>Norm of the head outputs; null for none.</summary>
    internal HeadNorm? HeadNorm { get; }

    /// <summary>A further score of each head that has no value, [h]; null for none.</summary>
    internal Parameter? Sinks { get; }

    /// <summary>The norm of keys that are cached as components; null for none.</summary>
    internal KeyFactors? KeyFactors => CacheLayout.KeyFactors > 0 ? _carried : null;

    internal static AttentionTraits Traits { get; } = new() { HasComponents = true };

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, TokenView view, KeyValueCache? cache = null)
    {
        if (cache is not null) return new FrozenAttention(this, x.dtype).Forward(x, view, cache);
        var (query, key, value) = Projections.Project(x, Keys(x.dtype), Values(x.dtype), view);  // [B,N,h,d], [B,N,g,d]
        var heads = SoftmaxAttention.AttendWithin(query, key, value, view, Projections.Scale,
            Projections.ScoreCap, Sinks?.In(x.dtype));                                           // [B,N,h,d], eq. 12
        return Merge(heads);
    }

    /// <inheritdoc/>
    public IAttention Freeze() => FrozenAttention.Of(this);

    /// <summary>
    /// The projection to the key heads, [g·d, D]. Eq. 10 is linear, so the weights are composed instead of the keys of
    /// every token (eq. 18): Σ_c k_mix[c, g] · (W_c x) = (Σ_c k_mix[c, g] · W_c) x.
    /// </summary>
    internal HeadRows Keys(ScalarType type)
    {
        var components = Projections.OwnKeys(type);                                               // [c·d, D]
        if (KeyMix is null) return components;
        var heads = components.Through(KeyMix.ComposeWeight);                                     // [g·d, D], eq. 10
        return _carried is null ? heads : _carried.WithoutNorm(heads);
    }

    /// <summary>The projection to the value heads, [g·d, D], composed as the key heads are.</summary>
    internal HeadRows Values(ScalarType type)
    {
        var components = Projections.OwnValues(type);                                             // [c·d, D]
        return ValueMix is null ? components : components.Through(ValueMix.ComposeWeight);        // [g·d, D], eq. 11
    }

    /// <summary>From the head outputs [B, N, h, d] to the residual stream [B, N, D].</summary>
    internal Tensor Merge(Tensor heads) => Projections.Merge(HeadNorm?.Forward(heads) ?? heads);  // eq. 12

    /// <summary><see cref="Merge"/> added to the residual stream [B, N, D].</summary>
    internal Tensor MergeSum(Tensor heads, Tensor residual) =>
        Projections.MergeSum(HeadNorm?.Forward(heads) ?? heads, residual);

    /// <inheritdoc/>
    public void Dispose()
    {
        // The parameters belong to the model.
    }
}
