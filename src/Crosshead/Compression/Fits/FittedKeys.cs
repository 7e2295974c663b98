using Crosshead.Attention.Composition;
using static TorchSharp.torch;

namespace Crosshead.Compression.Fits;

/// <summary>
/// Components fitted to a layer's key heads, in float64. If keys are normed, the components include the norm's weight.
/// </summary>
/// <param name="Grain">How finely the components are mixed.</param>
/// <param name="Weight">Weight of the components' projection [c·d, D].</param>
/// <param name="Bias">Bias of the components' projection [c·d]; null for none.</param>
/// <param name="Mix">The mix: [c, g], or [c, g, d/2, 2] for the grain <c>frequency</c>.</param>
internal sealed record FittedKeys(KeyGrain Grain, Tensor Weight, Tensor? Bias, Tensor Mix)
{
    /// <summary>Number of components c.</summary>
    public int Components => (int)Mix.shape[0];
}
