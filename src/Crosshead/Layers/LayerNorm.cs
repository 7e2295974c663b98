using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>
/// (x − mean(x)) / √(variance(x) + ε) · weight over the last dimension, without a bias (Ba et al., 2016).
/// </summary>
public sealed class LayerNorm : INorm
{
    private readonly double _epsilon;

    /// <summary>Creates the layer with parameter <c>weight</c> [size], starting at 1.</summary>
    public LayerNorm(ParameterScope scope, long size, double epsilon)
    {
        _epsilon = epsilon;
        Weight = scope.Create("weight", ParameterKind.Norm, Initialization.Constant(1), size);
    }

    /// <inheritdoc/>
    public Parameter Weight { get; }

    /// <inheritdoc/>
    public Tensor Forward(Tensor x) =>
        nn.functional.layer_norm(x, [x.shape[^1]], Weight.In(x.dtype), null, _epsilon);

    /// <inheritdoc/>
    public (Tensor Sum, Tensor Normed) ForwardSum(Tensor x, Tensor delta)
    {
        var sum = x + delta;
        return (sum, Forward(sum));
    }

    /// <inheritdoc/>
    public void Freeze()
    {
        // Nothing is worked out of the weight.
    }
}
