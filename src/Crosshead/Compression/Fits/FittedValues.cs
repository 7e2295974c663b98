using Crosshead.Attention.Composition;
using static TorchSharp.torch;

namespace Crosshead.Compression.Fits;

/// <summary>Components fitted to a layer's value heads, float64.</summary>
/// <param name="Grain">What multiplies a component.</param>
/// <param name="Weight">Projection of the components [r, D].</param>
/// <param name="Bias">Its bias [r]; null for none.</param>
/// <param name="Mix">[c, g] with r = c·d, or [r, g, d] for the grain <c>dense</c>.</param>
internal sealed record FittedValues(ValueGrain Grain, Tensor Weight, Tensor? Bias, Tensor Mix)
{
    /// <summary>Numbers kept per token.</summary>
    public int Rank => (int)Weight.shape[0];
}
