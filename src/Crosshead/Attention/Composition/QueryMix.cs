using static TorchSharp.torch;

namespace Crosshead.Attention.Composition;

/// <summary>
/// The mix of keys that queries carry (<see cref="IKeyComposition.QueryMix"/>), where it is applied by products.
/// </summary>
internal static class QueryMix
{
    /// <summary>As matrices M: q̃_i = q_i · M_G(i).</summary>
    /// <param name="mix">[g, c, 2, d/2]</param>
    /// <returns>[g, d, c·d]</returns>
    public static Tensor AsMatrices(Tensor mix)
    {
        var (real, imaginary) = (mix.select(2, 0).diag_embed(), mix.select(2, 1).diag_embed()); // [g,c,p,p]
        var fromReal = cat([real, imaginary.neg()], 3);  // [g,c,p,d], of conj(m) · q
        var fromImaginary = cat([imaginary, real], 3);
        return cat([fromReal, fromImaginary], 2).transpose(1, 2).flatten(2);                    // [g,d,c·d]
    }
}
