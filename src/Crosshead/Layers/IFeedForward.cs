using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>The layer of a block that treats each token by itself.</summary>
public interface IFeedForward : IDisposable
{
    /// <summary>[B, N, D] → [B, N, D].</summary>
    Tensor Forward(Tensor x);

    /// <summary>Merges what is constant at inference (weights that are multiplied by the same input). The layer can no longer be trained.</summary>
    void Fold();
}
