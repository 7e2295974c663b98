using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>Keys composed of components. The composition is linear, so it moves to where it is cheapest: into the projection, or to the queries.</summary>
public interface IKeyComposition
{
    /// <summary>Component numbers a token.</summary>
    long Width { get; }

    /// <summary>Whether the components are fewer numbers than the heads, so that they are what a cache keeps.</summary>
    bool Compresses { get; }

    /// <summary>The projection of the composed heads: W̃ [g·d, n] from that of the components [Width, n] (eq. 18); a bias is a column.</summary>
    Tensor ComposeWeight(Tensor weight);

    /// <summary>
    /// The composition moved from the keys to the queries: q̃_i = q_i · M_G(i), so that ⟨q̃_i, components⟩ = ⟨q_i, head G(i)⟩;
    /// it commutes with RoPE (eq. 13).
    /// </summary>
    /// <param name="type">Precision.</param>
    /// <returns>M [g, d, Width]</returns>
    Tensor QueryMix(ScalarType type);
}
