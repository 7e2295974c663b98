using Crosshead.Layers;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Training.Sharding;

/// <summary>The types of a parameter that is shared out.</summary>
/// <param name="Gradient">The type in which its gradient is computed, and travels without a loss.</param>
/// <param name="Value">The type in which the model computes with it.</param>
/// <param name="Master">The type of what is stepped.</param>
internal readonly record struct ParameterTypes(ScalarType Gradient, ScalarType Value, ScalarType Master)
{
    /// <summary>The types of a parameter.</summary>
    /// <param name="parameter">The parameter.</param>
    /// <param name="compute">Precision of the computation.</param>
    /// <remarks>
    /// Matrices are cast to the precision of the computation before they are used, and so are their gradients. Rows of
    /// the embedding and of the head are cast too, but their gradients are added up in the precision of the masters.
    /// </remarks>
    public static ParameterTypes Of(Parameter parameter, ScalarType compute)
    {
        var master = Precision.MasterOf(compute);
        var cast = parameter is { Kind: ParameterKind.Matrix or ParameterKind.Embedding, ComputesInMaster: false };
        return new ParameterTypes(cast && parameter.Kind == ParameterKind.Matrix ? compute : master,
            cast ? compute : master, master);
    }
}
