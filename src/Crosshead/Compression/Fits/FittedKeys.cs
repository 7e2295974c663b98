using Crosshead.Attention.Composition;
using static TorchSharp.torch;

namespace Crosshead.Compression.Fits;

/// <summary>
/// Components fitted to a layer's key heads, in float64. If keys are normed, the components include the norm's weight.
/// </summary>
/// <param name="Grain">How finely the components are mixed.</param>
/// <param name="Components">Number of components c.</param>
/// <param name="Weight">Weight of the components' projection [c·d, D].</param>
/// <param name="Bias">Bias of the components' projection [c·d]; null for none.</param>
/// <param name="Mix">The mix: [c, g], or one complex number per rotated pair, [c, g, r/2, 2]; null if the layer rotates
/// nothing.</param>
/// <param name="RestMix">The mix of what is not rotated, [c·u, g, u], of the grain <c>partial</c>.</param>
internal sealed record FittedKeys(KeyGrain Grain, int Components, Tensor Weight, Tensor? Bias, Tensor? Mix,
    Tensor? RestMix = null);
