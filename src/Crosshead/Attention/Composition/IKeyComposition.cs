using static TorchSharp.torch;

namespace Crosshead.Attention.Composition;

/// <summary>Keys composed of components. The composition is linear, so it moves to where it is cheapest: into the projection, or to the queries.</summary>
public interface IKeyComposition
{
    /// <summary>The projection of the composed heads: W̃ [g·d, n] from that of the components [components, n] (eq. 18); a bias is a column.</summary>
    Tensor ComposeWeight(Tensor weight);

    /// <summary>
    /// The composition moved from the keys to the queries, so that ⟨q̃_i, components⟩ = ⟨q_i, head G(i)⟩: component j of q̃_i is
    /// conj(m_j,G(i)) ⊙ q_i, with z_p = x[p] + i·x[p + d/2] of either. It commutes with RoPE (eq. 13).
    /// </summary>
    /// <param name="type">Precision.</param>
    /// <returns>m [g, c, 2, d/2], real and imaginary parts.</returns>
    Tensor QueryMix(ScalarType type);
}
