using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>The layer of a block that treats each token by itself.</summary>
public interface IFeedForward
{
    /// <summary>[B, N, D] → [B, N, D].</summary>
    Tensor Forward(Tensor x);
}
