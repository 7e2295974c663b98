using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Attention.Composition;

/// <summary>
/// Keys composed with one complex number per component, head and rotary frequency: with z_p = x[p] + i·x[p + d/2], head
/// g's z_p = Σ_j mix[j, g, p] · component j's z_p. A rotation multiplies every head's z_p by the same e^{iθ}, so it
/// makes no difference whether components are rotated before they are composed, or heads after.
/// </summary>
public sealed class FrequencyComposition : IKeyComposition
{
    /// <summary>Creates the mix <c>k_mix</c> [c, g, d/2, 2].</summary>
    /// <param name="scope">Where the parameter goes.</param>
    /// <param name="components">Component heads c.</param>
    /// <param name="groups">Composed heads g.</param>
    /// <param name="headDim">Head width d.</param>
    /// <param name="start">How it starts.</param>
    public FrequencyComposition(ParameterScope scope, long components, long groups, long headDim,
        MixStart start = MixStart.Auto) =>
        Mix = scope.Create("k_mix", ParameterKind.Mix, MixStarts.OfFrequencies(start, components, groups), components,
            groups, headDim / 2, 2);

    /// <summary>The mix [c, g, d/2, 2], real and imaginary part.</summary>
    public Parameter Mix { get; }

    /// <inheritdoc/>
    public Tensor ComposeWeight(Tensor weight)
    {
        var mix = Mix.In(weight.dtype);
        return Compose(mix.select(3, 0), mix.select(3, 1), weight);
    }

    /// <summary>
    /// Composes rows: z_p of row head <c>to</c> is Σ_from (real + i·imaginary)[from, to, p] · z_p of row head
    /// <c>from</c>.
    /// </summary>
    /// <param name="real">Real part of the mix, [from, to, d/2].</param>
    /// <param name="imaginary">Imaginary part, likewise.</param>
    /// <param name="weight">[from·d, n]</param>
    /// <returns>[to·d, n]</returns>
    internal static Tensor Compose(Tensor real, Tensor imaginary, Tensor weight)
    {
        var (from, to, p, n) = (real.shape[0], real.shape[1], real.shape[2], weight.shape[1]);
        (real, imaginary) = (real.permute(2, 1, 0), imaginary.permute(2, 1, 0));                   // [p,to,from]
        // Frequency by frequency: real and imaginary part of the result, from those of the rows.
        var matrix = cat([cat([real, imaginary.neg()], 2), cat([imaginary, real], 2)], 1);         // [p,2to,2from]
        var rows = weight.view(from, 2, p, n).permute(2, 1, 0, 3).reshape(p, 2 * from, n);
        return matrix.bmm(rows).view(p, 2, to, n).permute(2, 1, 0, 3).reshape(2 * to * p, n);      // [to·d,n]
    }

    /// <inheritdoc/>
    public Tensor QueryMix(ScalarType type) => Mix.In(type).permute(1, 0, 3, 2);
}
