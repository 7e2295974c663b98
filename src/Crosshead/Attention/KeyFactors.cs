using Crosshead.Kernels.Common;
using Crosshead.Kernels.Norms;
using Crosshead.Layers;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>
/// The norm of keys that are cached as components. The components carry the norm's weight γ: they compose to γ ⊙ k.
/// What is left of the norm is one factor per token and composed head, known when the token is written. The head's
/// scores are multiplied by it: r_g = 1/√(mean(k_g²) + ε).
/// </summary>
/// <param name="norm">The norm, with γ [d].</param>
/// <param name="groups">Composed heads g.</param>
/// <param name="epsilon">ε</param>
/// <param name="whole">Whether one norm spans all heads, with γ [g·d]. Then all heads have the same factor.</param>
internal sealed class KeyFactors(RmsNorm norm, long groups, double epsilon, bool whole)
{
    /// <summary>The projection to k, from the projection to γ ⊙ k, [g·d, D]. Where γ is 0, k becomes 0 too.</summary>
    public HeadRows WithoutNorm(HeadRows rows)
    {
        var gamma = norm.Factors.to(rows.Weight.dtype);
        using Scalar zero = 0.0; // named, so that it is not collected while native code reads it
        var inverse = gamma.reciprocal().masked_fill(gamma.eq(zero), zero);
        if (!whole) inverse = inverse.repeat(groups);                                          // [g·d]
        return new HeadRows(rows.Weight * inverse.unsqueeze(1), rows.Bias is { } bias ? bias * inverse : null);
    }

    /// <summary>The factors r of tokens.</summary>
    /// <param name="keys">k [B, N, g·d], see <see cref="WithoutNorm"/>.</param>
    /// <returns>[B, g, N]</returns>
    public Tensor Of(Tensor keys)
    {
        var heads = keys.view(keys.shape[0], keys.shape[1], whole ? 1 : groups, -1);           // [B,N,g,d]
        var inverse = FusedRmsNorm.Supports(heads, norm.Factors) && !GradientNode.Needed(heads)
            ? FusedRmsNorm.Inverse(heads, norm.Factors, epsilon)
            : heads.to(Precision.MasterOf(keys.dtype)).square().mean([3]).Plus(epsilon).rsqrt();
        return inverse.to(keys.dtype).transpose(1, 2).expand(-1, groups, -1);
    }
}
