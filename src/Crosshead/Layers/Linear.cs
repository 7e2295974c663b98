using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>y = x Wᵀ, without bias.</summary>
public sealed class Linear
{
    /// <summary>Creates the layer with parameter <c>weight</c> [outputs, inputs], normal with the given deviation.</summary>
    public Linear(ParameterScope scope, long inputs, long outputs, double standardDeviation, ParameterKind kind = ParameterKind.Matrix) =>
        Weight = scope.Create("weight", kind, Initialization.Normal(standardDeviation), outputs, inputs);

    /// <summary>The weight [outputs, inputs].</summary>
    public Parameter Weight { get; }

    /// <summary>[…, inputs] → [..., outputs], in the precision of <paramref name="x"/>.</summary>
    public Tensor Forward(Tensor x) => nn.functional.linear(x, Weight.In(x.dtype));
}
