using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Attention.Composition;

/// <summary>
/// Keys composed as finely as their rotation allows.
/// <para>
/// What is rotated takes one complex number per component, head and rotary frequency: with z_p = x[p] + i·x[p + d/2],
/// head g's z_p = Σ_j mix[j, g, p] · component j's z_p. A rotation multiplies every head's z_p by the same e^{iθ}.
/// Therefore it makes no difference whether components are rotated before they are composed, or heads after.
/// </para>
/// <para>
/// What is not rotated, the rest of each head, takes a matrix: head g's rest = Σ_j component j's rest · rest mix[j, g].
/// It is the last pairs of a head (<see cref="RotatedPart"/>).
/// </para>
/// </summary>
public sealed class FrequencyComposition : IKeyComposition
{
    private readonly RotatedPart _part;
    private readonly long _components, _groups;

    /// <summary>Creates the mixes <c>k_mix</c> [c, g, r/2, 2] and <c>k_rest_mix</c> [c·u, g, u], u = d − r.</summary>
    /// <param name="scope">Where the parameters go.</param>
    /// <param name="components">Component heads c.</param>
    /// <param name="groups">Composed heads g.</param>
    /// <param name="headDim">Head width d.</param>
    /// <param name="start">How the mixes start.</param>
    /// <param name="rotated">Width r of the part that takes one number per frequency, at least what is rotated; null
    /// for all of the head.</param>
    public FrequencyComposition(ParameterScope scope, long components, long groups, long headDim,
        MixStart start = MixStart.Auto, long? rotated = null)
    {
        (_components, _groups, _part) = (components, groups, new RotatedPart(headDim, rotated ?? headDim));
        var rest = _part.Rest;
        if (_part.Rotated > 0)
            Mix = scope.Create("k_mix", ParameterKind.Mix, MixStarts.OfFrequencies(start, components, groups),
                components, groups, _part.Rotated / 2, 2);
        if (rest > 0)
            RestMix = scope.Create("k_rest_mix", ParameterKind.Mix,
                MixStarts.OfMatrices(start, components * rest, groups, rest), components * rest, groups, rest);
    }

    /// <summary>The mix [c, g, r/2, 2], real and imaginary part; null if nothing is rotated.</summary>
    public Parameter? Mix { get; }

    /// <summary>The mix of the rest [c·u, g, u]; null if all of the head is rotated.</summary>
    public Parameter? RestMix { get; }

    /// <inheritdoc/>
    public Tensor ComposeWeight(Tensor weight)
    {
        var (rotated, rest) = _part.Split(weight);                                             // [c·r,n], [c·u,n]
        var mix = Mix?.In(weight.dtype);
        return _part.Join(
            mix is null ? rotated : Compose(mix.select(3, 0), mix.select(3, 1), rotated),
            RestMix is null ? rest : RestMix.In(weight.dtype).flatten(1).t().matmul(rest), _groups);
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
    public QueryMix QueryMix(ScalarType type)
    {
        var (parameter, half) = (Mix ?? RestMix!, _part.HeadDim / 2);
        var pairs = Mix is null
            ? zeros([_groups, _components, 2, half], type, parameter.Value.device)
            : nn.functional.pad(Mix.In(type).permute(1, 0, 3, 2), [0, half - (_part.Rotated / 2)]);
        return new QueryMix(pairs, RestMix?.In(type).permute(1, 2, 0));
    }
}
