using Crosshead.Kernels.HeadLosses;
using Crosshead.Kernels.Products;
using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>The output head and its cross-entropy, computed together in chunks of tokens.</summary>
internal static class LinearCrossEntropy
{
    /// <summary>Mean cross-entropy in nats, a scalar in at least float32.</summary>
    /// <param name="hidden">[T, D]</param>
    /// <param name="head">[V, D]</param>
    /// <param name="targets">[T] (int64); −100 does not count.</param>
    /// <param name="cap">The cap of the logits; null for none.</param>
    public static Tensor Loss(Tensor hidden, Parameter head, Tensor targets, double? cap = null)
    {
        var weight = head.In(head.Type); // of quantised numbers no tensor is kept
        if (FusedLinearCrossEntropy.Supports(hidden, weight, targets))
            return FusedLinearCrossEntropy.Apply(hidden, weight, targets, leaf: head.GradientLeaf, cap: cap);
        var logits = LogitCap.Of(MatrixProduct.Linear(hidden, weight.to(hidden.dtype), null), cap);
        if (logits.dtype != ScalarType.Float64) logits = logits.to(ScalarType.Float32);
        return nn.functional.cross_entropy(logits, targets, ignore_index: -100);
    }
}
