using Crosshead.Kernels.Products;
using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>y = x Wᵀ + b, with an optional bias.</summary>
public sealed class Linear
{
    /// <summary>
    /// Creates the layer with parameter <c>weight</c> [outputs, inputs], normal with the given deviation, and
    /// optionally <c>bias</c> [outputs], zero.
    /// </summary>
    public Linear(ParameterScope scope, long inputs, long outputs, double standardDeviation,
        ParameterKind kind = ParameterKind.Matrix, bool bias = false)
    {
        Weight = scope.Create("weight", kind, Initialization.Normal(standardDeviation), outputs, inputs);
        if (bias) Bias = scope.Create("bias", ParameterKind.Bias, Initialization.Constant(0), outputs);
    }

    /// <summary>The weight [outputs, inputs].</summary>
    public Parameter Weight { get; }

    /// <summary>The bias [outputs]; null for none.</summary>
    public Parameter? Bias { get; }

    /// <summary>[…, inputs] → [..., outputs], in the precision of <paramref name="x"/>.</summary>
    public Tensor Forward(Tensor x) => Product(x, Weight, Bias);

    /// <summary>residual + <see cref="Forward"/>; one kernel where the weight is packed.</summary>
    /// <param name="x">[…, inputs]</param>
    /// <param name="residual">[…, outputs]</param>
    internal Tensor ForwardSum(Tensor x, Tensor residual) => Weight.Packed is { } packed && packed.Supports(x)
        ? packed.Apply(x, Bias?.In(x.dtype), residual: residual) : residual + Forward(x);

    /// <summary>x weightᵀ + bias, in the precision of <paramref name="x"/>.</summary>
    /// <param name="x">[…, D]</param>
    /// <param name="weight">[O, D]</param>
    /// <param name="bias">[O]; null for none.</param>
    internal static Tensor Product(Tensor x, Parameter weight, Parameter? bias)
    {
        if (weight.Packed is { } packed && packed.Supports(x)) return packed.Apply(x, bias?.In(x.dtype));
        // A cast would be written by the kernel before, and the skinny product reads the weight ahead.
        var (own, offset) = (weight.In(x.dtype), bias?.In(x.dtype));
        return weight.Is(own) && SkinnyMatMul.Supports(x, own, offset)
            ? SkinnyMatMul.Apply(x, own, offset) : MatrixProduct.Linear(x, own, offset);
    }

    /// <summary>The results of layers with the same inputs, side by side, by one product: […, inputs] → […, Σ outputs].
    /// Either all have a bias or none has.</summary>
    internal static Tensor Joint(Tensor x, params Linear[] layers) => MatrixProduct.Joint(x,
        [.. layers.Select(l => l.Weight.In(x.dtype))],
        layers[0].Bias is null ? null : [.. layers.Select(l => l.Bias!.In(x.dtype))]);
}
