using Crosshead.Kernels.Common;
using Crosshead.Kernels.Products;
using Crosshead.Runtime.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Gating;

/// <summary>
/// (silu(gate)·up) weightᵀ + bias. The gated activations are the widest of a feed-forward layer after gate and up
/// themselves. They are kept only on a CUDA device that has more than half of its memory free, which every layer asks,
/// because what the layers before it have kept counts too. Otherwise the backward pass makes them again, the same bits,
/// while it goes over gate and up anyway.
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
        using var scope = NewDisposeScope();
        var gated = FusedSwiGlu.Forward(gateUp);
        Tensor result;
        using (no_grad()) result = MatrixProduct.Linear(gated, weight, bias).MoveToOuterDisposeScope();
        Tensor[] inputs = bias is null ? [gateUp, weight] : [gateUp, weight, bias];
        if (!GradientNode.Needed(inputs)) return result;
        var (biased, trained) = (bias is not null, weight.requires_grad || bias is { requires_grad: true });
        var keeps = gateUp.device_type == DeviceType.CUDA && CudaDevice.Get(gateUp.device_index).HasAmpleMemory();
        var wide = MatrixProduct.IsWidened(result);
        GradientNode.Record(inputs, [result], keeps ? [.. inputs, gated] : inputs, (saved, outputs) =>
        {
            var gradients = new Tensor?[biased ? 3 : 2];
            if (outputs[0] is not { } gradient) return gradients;
            var rows = gradient.reshape(-1, gradient.shape[^1]);      // [n, O]
            var halves = saved[0].view(-1, saved[0].shape[^1]);       // [n, 2f]
            var ofGated = MatrixProduct.InputGradient(rows, saved[1], wide);
            var (ofHalves, again) = keeps
                ? (FusedSwiGlu.Backward(halves, ofGated), saved[^1].view(-1, halves.shape[1] / 2))
                : FusedSwiGlu.BackwardWithOutput(halves, ofGated);
            gradients[0] = ofHalves.view(saved[0].shape);
            if (!trained) return gradients;
            (gradients[1], var ofBias) = MatrixProduct.WeightGradients(rows, again, biased, wide);
            if (ofBias is not null) gradients[2] = ofBias;
            return gradients;
        });
        return result;
    }
}
