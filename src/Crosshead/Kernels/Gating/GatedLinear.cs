using Crosshead.Kernels.Common;
using Crosshead.Kernels.Products;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Gating;

/// <summary>
/// (silu(gate)·up) weightᵀ + bias. The gated activations are the widest of a feed-forward layer after gate and up
/// themselves. They are not kept: the backward pass makes them again while it goes over gate and up anyway.
/// </summary>
internal static class GatedLinear
{
    /// <summary>The product.</summary>
    /// <param name="gateUp">[…, 2f] that <see cref="FusedSwiGlu"/> supports: the gate in the first half of the last
    /// dimension, up in the second.</param>
    /// <param name="weight">[O, f], in the type of <paramref name="gateUp"/>.</param>
    /// <param name="bias">[O], likewise; null for none.</param>
    /// <returns>[…, O]</returns>
    public static Tensor Apply(Tensor gateUp, Tensor weight, Tensor? bias)
    {
        gateUp = RowKernel.Dense(gateUp);
        Tensor result;
        using (no_grad())
        using (NewDisposeScope())
            result = MatrixProduct.Linear(FusedSwiGlu.Forward(gateUp), weight, bias).MoveToOuterDisposeScope();
        Tensor[] inputs = bias is null ? [gateUp, weight] : [gateUp, weight, bias];
        if (!GradientNode.Needed(inputs)) return result;
        var trained = weight.requires_grad || bias is { requires_grad: true };
        var wide = MatrixProduct.IsWidened(result);
        GradientNode.Record(inputs, [result], inputs, (saved, outputs) =>
        {
            var gradients = new Tensor?[saved.Length];
            if (outputs[0] is not { } gradient) return gradients;
            var rows = gradient.reshape(-1, gradient.shape[^1]);      // [n, O]
            var halves = saved[0].view(-1, saved[0].shape[^1]);       // [n, 2f]
            var (ofHalves, gated) =
                FusedSwiGlu.BackwardWithOutput(halves, MatrixProduct.InputGradient(rows, saved[1], wide));
            gradients[0] = ofHalves.view(saved[0].shape);
            if (!trained) return gradients;
            (gradients[1], var ofBias) = MatrixProduct.WeightGradients(rows, gated, saved.Length > 2, wide);
            if (ofBias is not null) gradients[2] = ofBias;
            return gradients;
        });
        return result;
    }
}
