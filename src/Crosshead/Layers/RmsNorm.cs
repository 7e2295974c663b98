using Crosshead.Kernels.Norms;
using Crosshead.Kernels.WeightProducts;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>
/// x / √(mean(x²) + ε) · (weight + offset) over the last dimension (Zhang and Sennrich, 2019). The offset is 0, or 1
/// where a model stores how far the factors are from 1, as Gemma does.
/// </summary>
public sealed class RmsNorm : INorm
{
    private readonly double _epsilon, _offset;
    private Tensor? _factors; // of a frozen weight with an offset

    /// <summary>Creates the layer with parameter <c>weight</c> [size].</summary>
    /// <param name="scope">Where the parameter goes.</param>
    /// <param name="size">Size of the last dimension.</param>
    /// <param name="epsilon">What is added to the mean square.</param>
    /// <param name="start">Where the factors start.</param>
    /// <param name="offset">What is added to the weight.</param>
    public RmsNorm(ParameterScope scope, long size, double epsilon, double start = 1, double offset = 0)
    {
        (_epsilon, _offset) = (epsilon, offset);
        Weight = scope.Create("weight", ParameterKind.Norm, Initialization.Constant(start - offset), size);
    }

    /// <inheritdoc/>
    public Parameter Weight { get; }

    /// <summary>The norm as a product on a CUDA device computes it with its input; null if its weight is not in
    /// bfloat16, or has an offset.</summary>
    internal InputNorm? AsInput => _offset == 0 && Weight.Type == ScalarType.BFloat16 && Weight.Value.is_contiguous()
        ? new InputNorm(Weight.Value, _epsilon) : null;

    /// <summary>What is added to the mean square.</summary>
    internal double Epsilon => _epsilon;

    /// <summary>What the elements are multiplied by: weight + offset [size].</summary>
    internal Tensor Factors => _offset == 0 ? Weight.Value : _factors ?? Shifted();

    /// <inheritdoc/>
    public Tensor Forward(Tensor x)
    {
        var factors = Factors;
        if (FusedRmsNorm.Supports(x, factors)) return FusedRmsNorm.Apply(x, factors, _epsilon);
        return Aten.RmsNorm(x, factors.dtype == x.dtype ? factors : factors.to(x.dtype), _epsilon);
    }

    /// <inheritdoc/>
    public (Tensor Sum, Tensor Normed) ForwardSum(Tensor x, Tensor delta)
    {
        var factors = Factors;
        if (FusedAddRmsNorm.Supports(x, delta, factors))
            return FusedAddRmsNorm.Apply(x, delta, factors, _epsilon);
        var sum = x + delta;
        return (sum, Forward(sum));
    }

    /// <inheritdoc/>
    public void Freeze()
    {
        // On the CPU weights may lie in a file and never become tensors.
        if (_offset == 0 || Weight.Device.type == DeviceType.CPU) return;
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        _factors?.Dispose();
        _factors = Shifted().DetachFromDisposeScope();
    }

    // In the precision of master values: weights near 0 tell factors apart that a short precision would not.
    private Tensor Shifted() => Weight.In(Precision.MasterOf(Weight.Type)).Plus(_offset);
}
