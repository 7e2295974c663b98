using Crosshead.Kernels.Norms;
using Crosshead.Kernels.WeightProducts;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>x / √(mean(x²) + ε) · weight over the last dimension (Zhang and Sennrich, 2019).</summary>
public sealed class RmsNorm
{
    private readonly double _epsilon;

    /// <summary>Creates the layer with parameter <c>weight</c> [size], starting at <paramref name="start"/>.</summary>
    public RmsNorm(ParameterScope scope, long size, double epsilon, double start = 1)
    {
        _epsilon = epsilon;
        Weight = scope.Create("weight", ParameterKind.Norm, Initialization.Constant(start), size);
    }

    /// <summary>The weight [size].</summary>
    public Parameter Weight { get; }

    /// <summary>The norm as a product on a CUDA device computes it with its input; null if its weight is not in
    /// bfloat16.</summary>
    internal InputNorm? AsInput => Weight.Type == ScalarType.BFloat16 && Weight.Value.is_contiguous()
        ? new InputNorm(Weight.Value, _epsilon) : null;

    /// <summary>[…, size] → […, size].</summary>
    public Tensor Forward(Tensor x) => FusedRmsNorm.Supports(x, Weight.Value)
        ? FusedRmsNorm.Apply(x, Weight.Value, _epsilon)
        : Aten.RmsNorm(x, Weight.In(x.dtype), _epsilon);

    /// <summary>x + delta, and the norm of this sum; all […, size].</summary>
    public (Tensor Sum, Tensor Normed) ForwardSum(Tensor x, Tensor delta)
    {
        if (FusedAddRmsNorm.Supports(x, delta, Weight.Value))
            return FusedAddRmsNorm.Apply(x, delta, Weight.Value, _epsilon);
        var sum = x + delta;
        return (sum, Forward(sum));
    }
}
