using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Attention.Composition;

/// <summary>
/// Head-level linear composition (arXiv 2601.19611, eq. 10–11): head g = Σ_c mix[c, g] · component c.
/// <para>
/// It is linear, so it is applied where it is cheapest. Training applies it to the projection weights (eq. 18).
/// Decoding from components applies it to the queries and to the summed values; on a processor to the cached keys and
/// values as they are read, where that takes fewer products (<c>CachedProducts</c>).
/// </para>
/// </summary>
public sealed class HeadComposition : IKeyComposition, IValueComposition
{
    private readonly long _headDim;

    /// <summary>Creates the mixing matrix [c, g].</summary>
    /// <param name="scope">Where the parameter goes.</param>
    /// <param name="name"><c>k_mix</c> or <c>v_mix</c>.</param>
    /// <param name="components">Component heads c.</param>
    /// <param name="groups">Composed heads g.</param>
    /// <param name="headDim">Head width d.</param>
    /// <param name="start">How it starts.</param>
    public HeadComposition(ParameterScope scope, string name, long components, long groups,
        long headDim, MixStart start)
    {
        _headDim = headDim;
        Mix = scope.Create(name, ParameterKind.Mix, MixStarts.Of(start, components, groups), components, groups);
    }

    /// <summary>The mix [c, g].</summary>
    public Parameter Mix { get; }

    /// <summary>Component heads c.</summary>
    public long Components => Mix.Shape[0];

    /// <summary>Composed heads g.</summary>
    public long Groups => Mix.Shape[1];

    /// <summary>W̃[g·d, n] = Σ_c mix[c, g] · W[c·d, n] (eq. 18).</summary>
    public Tensor ComposeWeight(Tensor weight)
    {
        var components = weight.view(Components, -1); // [c, d·D]
        return Mix.In(weight.dtype).t().matmul(components).view(Groups * _headDim, -1);
    }

    /// <inheritdoc/>
    public QueryMix QueryMix(ScalarType type)
    {
        var real = Mix.In(type).t().view(Groups, Components, 1, 1).expand(-1, -1, 1, _headDim / 2);
        return new QueryMix(cat([real, real.zeros_like()], 2)); // [g,c,2,d/2]
    }

    /// <inheritdoc/>
    public Tensor SumMix(ScalarType type)
    {
        var identity = eye(_headDim, dtype: type, device: Mix.Value.device);
        // [g,c·d,d]
        return (Mix.In(type).t().view(Groups, Components, 1, 1) * identity)
            .reshape(Groups, Components * _headDim, _headDim);
    }
}
