using Crosshead.Kernels.Common;
using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>
/// Activation checkpointing (Chen et al., 2016): the forward pass keeps only a layer's input, the backward pass
/// computes the layer again. Memory for one layer's activations instead of all, for a third more computation.
/// </summary>
internal static class Recompute
{
    /// <summary>layer(x), computed again when gradients flow back. What the layer's parameters gain is added to their gradients.</summary>
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
