using Crosshead.Attention.Composition;
using static TorchSharp.torch;

namespace Crosshead.Compression.Fits;

/// <summary>Components fitted to a layer's value heads, in float64.</summary>
/// <param name="Grain">How finely the components are mixed.</param>
/// <param name="Weight">Weight of the components' projection [r, D].</param>
/// <param name="Bias">Bias of the components' projection [r]; null for none.</param>
/// <param name="Mix">The mix: [c, g] with r = c·d, or [r, g, d] for the grain <c>dense</c>.</param>
internal sealed record FittedValues(ValueGrain Grain, Tensor Weight, Tensor? Bias, Tensor Mix)
{
    /// <summary>Number of cached numbers per token, r.</summary>
    public int Rank => (int)Weight.shape[0];
}
