using Crosshead.Attention.Composition;
using static TorchSharp.torch;

namespace Crosshead.Compression.Fits;

/// <summary>Components fitted to a layer's key heads, float64. With a norm on the keys they carry its weight.</summary>
/// <param name="Grain">What multiplies a component.</param>
/// <param name="Weight">Projection of the components [c·d, D].</param>
/// <param name="Bias">Its bias [c·d]; null for none.</param>
/// <param name="Mix">[c, g], or [c, g, d/2, 2] for the grain <c>frequency</c>.</param>
internal sealed record FittedKeys(KeyGrain Grain, Tensor Weight, Tensor? Bias, Tensor Mix)
{
    /// <summary>Components c.</summary>
    public int Components => (int)Mix.shape[0];
}
