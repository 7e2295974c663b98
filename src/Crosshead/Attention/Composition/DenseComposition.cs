using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Attention.Composition;

/// <summary>
/// Values composed with one matrix [r, d] per head, of any rank r: head g = components · mix[:, g, :].
/// </summary>
public sealed class DenseComposition : IValueComposition
{
    /// <summary>Creates the mix <c>v_mix</c> [r, g, d].</summary>
    /// <param name="scope">Where the parameter goes.</param>
    /// <param name="rank">Component numbers r.</param>
    /// <param name="groups">Composed heads g.</param>
    /// <param name="headDim">Head width d.</param>
    /// <param name="start">How it starts.</param>
    public DenseComposition(ParameterScope scope, long rank, long groups, long headDim,
        MixStart start = MixStart.Auto) =>
        Mix = scope.Create("v_mix", ParameterKind.Mix, MixStarts.OfMatrices(start, rank, groups, headDim), rank,
            groups, headDim);

    /// <summary>The mix [r, g, d].</summary>
    public Parameter Mix { get; }

    /// <inheritdoc/>
    public Tensor ComposeWeight(Tensor weight) => Mix.In(weight.dtype).flatten(1).t().matmul(weight);

    /// <inheritdoc/>
    public Tensor SumMix(ScalarType type) => Mix.In(type).transpose(0, 1);
}
