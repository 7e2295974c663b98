using static TorchSharp.torch;

namespace Crosshead.Attention.Composition;

/// <summary>Values composed of components: in the projection, or once after the weighted sum over the tokens.</summary>
public interface IValueComposition
{
    /// <summary>Component numbers a token.</summary>
    long Width { get; }

    /// <summary>Whether the components are fewer numbers than the heads, so that they are what a cache keeps.</summary>
    bool Compresses { get; }

    /// <summary>The projection of the composed heads: W̃ [g·d, n] from that of the components [Width, n] (eq. 18); a bias is a column.</summary>
    Tensor ComposeWeight(Tensor weight);

    /// <summary>Composes values that were summed in component space: o_i = sum_i · M_G(i).</summary>
    /// <param name="type">Precision.</param>
    /// <returns>M [g, Width, d]</returns>
    Tensor SumMix(ScalarType type);
}
