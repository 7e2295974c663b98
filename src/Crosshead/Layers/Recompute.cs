using Crosshead.Kernels.Common;
using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>
/// Activation checkpointing (Chen et al., 2016). The forward pass keeps only the input of a layer, and the backward
/// pass computes the layer again. This needs memory for the activations of one layer instead of all layers, and a third
/// more computation.
/// </summary>
internal static class Recompute
{
    /// <summary>
    /// layer(x), computed again in the backward pass, which adds to the gradients of the layer's parameters.
    /// </summary>
    public static Tensor Apply(Tensor x, Func<Tensor, Tensor> layer)
    {
        Tensor output;
        using (no_grad())
        using (NewDisposeScope())
            output = layer(x).MoveToOuterDisposeScope();
        if (GradientNode.Needed(x)) GradientNode.Record([x], [output], [x], (saved, outputs) =>
        {
            using var grad = enable_grad();
            using var scope = NewDisposeScope();
            var input = saved[0].detach().requires_grad_(true);
            layer(input).backward([outputs[0]!]);
            GradientNode.RethrowFailure();
            return [input.grad!.MoveToOuterDisposeScope()];
        });
        return output;
    }
}
