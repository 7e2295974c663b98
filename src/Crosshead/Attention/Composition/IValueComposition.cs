using static TorchSharp.torch;

namespace Crosshead.Attention.Composition;

/// <summary>Values composed of components: in the projection, or once after the weighted sum over the tokens.</summary>
public interface IValueComposition
{
    /// <summary>The projection of the composed heads: W̃ [g·d, n] from that of the components [components, n] (eq. 18); a bias is a column.</summary>
    Tensor ComposeWeight(Tensor weight);

    /// <summary>Composes values that were summed in component space: o_i = sum_i · M_G(i).</summary>
    /// <param name="type">Precision.</param>
    /// <returns>M [g, component numbers, d]</returns>
    Tensor SumMix(ScalarType type);
}
