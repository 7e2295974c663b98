using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>The layer of a block that computes each token separately.</summary>
public interface IFeedForward : IDisposable
{
    /// <summary>[B, N, D] → [B, N, D].</summary>
    Tensor Forward(Tensor x);

    /// <summary>
    /// Joins weights that are multiplied by the same input, for inference. Afterwards the layer cannot be trained.
    /// </summary>
    void Fold();
}
