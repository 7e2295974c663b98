using static TorchSharp.torch;

namespace Crosshead.Attention.Composition;

/// <summary>
/// A composition of keys, moved to the queries: ⟨q̃_i, components⟩ = ⟨q_i, head G(i)⟩. Component j of q̃_i is
/// conj(m_j,G(i)) ⊙ q_i, where both are read as z_p = x[p] + i·x[p + d/2]. It commutes with RoPE (eq. 13).
/// </summary>
/// <param name="Pairs">m [g, c, 2, d/2], real and imaginary parts; 0 for the pairs of the rest.</param>
/// <param name="Rest">The rest of each head, its last pairs (<see cref="RotatedPart"/>), which takes a matrix instead:
/// rest of q̃_i = rest of q_i · Rest_G(i), [g, u, c·u]. Null: all pairs take a number.</param>
public sealed record QueryMix(Tensor Pairs, Tensor? Rest = null)
{
    /// <summary>The whole as matrices M: q̃_i = q_i · M_G(i).</summary>
    /// <returns>[g, d, c·d]</returns>
    public Tensor AsMatrices()
    {
        var (real, imaginary) = (Pairs.select(2, 0).diag_embed(), Pairs.select(2, 1).diag_embed()); // [g,c,p,p]
        var fromReal = cat([real, imaginary.neg()], 3);  // [g,c,p,d], of conj(m) · q
        var fromImaginary = cat([imaginary, real], 3);
        var matrices = cat([fromReal, fromImaginary], 2).transpose(1, 2);                           // [g,d,c,d]
        if (Rest is null) return matrices.flatten(2);
        var (groups, width, d) = (Rest.shape[0], Rest.shape[1], matrices.shape[1]);
        var places = new RotatedPart(d, d - width).Places(Rest.dtype, Rest.device);                 // [u,d]
        var rest = Rest.reshape(groups, width, -1, width).matmul(places).flatten(2);                // [g,u,c·d]
        return matrices.flatten(2) + places.t().matmul(rest);
    }
}
