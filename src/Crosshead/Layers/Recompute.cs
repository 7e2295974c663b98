using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>
/// Activation checkpointing (Chen et al., 2016): the forward pass keeps only a layer's input, the backward pass
/// computes the layer again. Memory for one layer's activations instead of all, for a third more computation.
/// </summary>
internal sealed class Recompute : autograd.SingleTensorFunction<Recompute>
{
    /// <inheritdoc/>
    public override string Name => nameof(Recompute);

    /// <summary>layer(x), computed again when gradients flow back.</summary>
    public static Tensor Apply(Tensor x, Func<Tensor, Tensor> layer) => apply(x, layer);

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (x, layer) = ((Tensor)vars[0], (Func<Tensor, Tensor>)vars[1]);
        ctx.save_for_backward([x]);
        ctx.save_data(nameof(layer), layer);
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        return layer(x).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor gradient)
    {
        var layer = (Func<Tensor, Tensor>)ctx.get_data("layer");
        using var scope = NewDisposeScope();
        using var grad = enable_grad();
        var x = ctx.get_saved_variables()[0].detach().requires_grad_(true);
        layer(x).backward([gradient]);
        return [x.grad!.MoveToOuterDisposeScope(), null!];
    }
}
