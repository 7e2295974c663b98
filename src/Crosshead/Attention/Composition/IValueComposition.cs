using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Attention.Composition;

/// <summary>
/// Values composed from components: in the projection, or once after the weighted sum over the tokens.
/// </summary>
public interface IValueComposition
{
    /// <summary>What is trained: component numbers first, the composed heads after them.</summary>
    Parameter Mix { get; }

    /// <summary>The projection to the composed heads, from the projection to the components (eq. 18).</summary>
    /// <param name="weight">[component numbers, n]; a bias is one more column.</param>
    /// <returns>W̃ [g·d, n]</returns>
    Tensor ComposeWeight(Tensor weight);

    /// <summary>Composes values that were summed in component space: o_i = sum_i · M_G(i).</summary>
    /// <param name="type">Precision.</param>
    /// <returns>M [g, component numbers, d]</returns>
    Tensor SumMix(ScalarType type);
}
