using Crosshead.Kernels.HeadLosses;
using Crosshead.Kernels.Products;
using static TorchSharp.torch;

namespace Crosshead.Model;

/// <summary>From normed hidden states to logits.</summary>
/// <param name="Weight">The weight of the head [V, D].</param>
/// <param name="Cap">The cap of the logits; null for none.</param>
internal readonly record struct LogitHead(Tensor Weight, double? Cap)
{
    /// <summary>Logits of hidden states [.., D] → [.., V].</summary>
    public Tensor Logits(Tensor hidden) => LogitCap.Of(MatrixProduct.Linear(hidden, Weight, null), Cap);
}
