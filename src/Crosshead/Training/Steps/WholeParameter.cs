using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Training.Steps;

/// <summary>A parameter that one rank steps alone.</summary>
internal sealed class WholeParameter(Parameter parameter) : OptimizedSlice
{
    /// <inheritdoc/>
    public override string Name => parameter.Name;

    /// <inheritdoc/>
    public override Tensor Value => parameter.Value;

    /// <inheritdoc/>
    public override Tensor? Gradient => parameter.Gradient;

    /// <inheritdoc/>
    public override Tensor PartOf(Tensor whole) => whole;
}
