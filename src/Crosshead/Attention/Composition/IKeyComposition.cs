using static TorchSharp.torch;

namespace Crosshead.Attention.Composition;

/// <summary>
/// Keys composed from components. The composition is linear, so it moves to where it is cheapest: into the projection,
/// or to the queries.
/// </summary>
public interface IKeyComposition
{
    /// <summary>The projection to the composed heads, from the projection to the components (eq. 18).</summary>
    /// <param name="weight">[component numbers, n]; a bias is one more column.</param>
    /// <returns>W̃ [g·d, n]</returns>
    Tensor ComposeWeight(Tensor weight);

    /// <summary>The composition moved from the keys to the queries.</summary>
    /// <param name="type">Precision.</param>
    QueryMix QueryMix(ScalarType type);
}
