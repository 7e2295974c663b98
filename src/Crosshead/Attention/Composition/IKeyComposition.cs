using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Attention.Composition;

/// <summary>
/// Keys composed from components. The composition is linear, so it moves to where it is cheapest: into the projection,
/// or to the queries.
/// </summary>
public interface IKeyComposition
{
    /// <summary>What is trained: components c first, composed heads g second.</summary>
    Parameter Mix { get; }

    /// <summary>The projection to the composed heads, from the projection to the components (eq. 18).</summary>
    /// <param name="weight">[component numbers, n]; a bias is one more column.</param>
    /// <returns>W̃ [g·d, n]</returns>
    Tensor ComposeWeight(Tensor weight);

    /// <summary>
    /// The composition moved from the keys to the queries, so that ⟨q̃_i, components⟩ = ⟨q_i, head G(i)⟩. Component j
    /// of q̃_i is conj(m_j,G(i)) ⊙ q_i, where both are read as z_p = x[p] + i·x[p + d/2]. It commutes with RoPE (eq.
    /// 13).
    /// </summary>
    /// <param name="type">Precision.</param>
    /// <returns>m [g, c, 2, d/2], real and imaginary parts.</returns>
    Tensor QueryMix(ScalarType type);
}
