using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>
/// Keys composed with one complex number a component, head and rotary frequency. With z_p = x[p] + i·x[p + d/2] a rotation
/// multiplies every head's z_p by the same e^{iθ}, so head g's z_p = Σ_j mix[j, g, p] · component j's z_p commutes with it.
/// </summary>
public sealed class FrequencyComposition : IKeyComposition
{
    private readonly Parameter _mix; // [c, g, d/2, 2], real and imaginary part

    /// <summary>Creates the mix <c>k_mix</c> [c, g, d/2, 2].</summary>
    /// <param name="scope">Where the parameter goes.</param>
    /// <param name="components">Component heads c.</param>
    /// <param name="groups">Composed heads g.</param>
    /// <param name="headDim">Head width d.</param>
    public FrequencyComposition(ParameterScope scope, long components, long groups, long headDim) =>
        _mix = scope.Create("k_mix", ParameterKind.Mix, Initialization.Normal(1 / Math.Sqrt(2 * components)), components, groups, headDim / 2, 2);

    /// <inheritdoc/>
    public long Width => Components * Frequencies * 2;

    /// <inheritdoc/>
    public bool Compresses => Components < Groups;

    private long Components => _mix.Value.shape[0];

    private long Groups => _mix.Value.shape[1];

    private long Frequencies => _mix.Value.shape[2];

    /// <inheritdoc/>
    public Tensor ComposeWeight(Tensor weight)
    {
        var (c, g, p, n) = (Components, Groups, Frequencies, weight.shape[1]);
        var (real, imaginary) = Parts(weight.dtype, m => m.permute(2, 1, 0));                     // [p,g,c]
        // (real, imaginary) of a head from (real, imaginary) of the components, frequency by frequency.
        var matrix = cat([cat([real, imaginary.neg()], 2), cat([imaginary, real], 2)], 1);        // [p,2g,2c]
        var components = weight.view(c, 2, p, n).permute(2, 1, 0, 3).reshape(p, 2 * c, n);
        return matrix.bmm(components).view(p, 2, g, n).permute(2, 1, 0, 3).reshape(2 * g * p, n); // [g·d,n]
    }

    /// <inheritdoc/>
    public Tensor Absorb(Tensor query)
    {
        var (batch, heads, count) = (query.shape[0], query.shape[1], query.shape[2]);
        var (real, imaginary) = Parts(query.dtype, m => m.transpose(0, 1).repeat_interleave(heads / Groups, 0).unsqueeze(1)); // [h,1,c,p]
        var (a, b) = (query.narrow(-1, 0, Frequencies).unsqueeze(3), query.narrow(-1, Frequencies, Frequencies).unsqueeze(3)); // [B,h,N,1,p]
        // conj(mix) · q: the scalar product conjugates its left side.
        return cat([(a * real) + (b * imaginary), (b * real) - (a * imaginary)], -1).view(batch, heads, count, Width);
    }

    private (Tensor Real, Tensor Imaginary) Parts(ScalarType type, Func<Tensor, Tensor> arrange)
    {
        var mix = _mix.In(type);
        return (arrange(mix.select(3, 0)), arrange(mix.select(3, 1)));
    }
}
