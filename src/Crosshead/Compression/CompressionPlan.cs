using Crosshead.Attention;
using Crosshead.Model;

namespace Crosshead.Compression;

/// <summary>The cache sizes of a compressed model.</summary>
/// <param name="Layers">One entry per layer; null for an unchanged layer.</param>
/// <param name="PredictedIncrease">Sum of the profiled increases of the loss in nats per token; null if nothing was
/// profiled.</param>
public sealed record CompressionPlan(IReadOnlyList<LayerPlan?> Layers, double? PredictedIncrease)
{
    /// <summary>Returns a plan with the same sizes in all chosen layers, as in the paper.</summary>
    /// <param name="layers">Number of layers L of the model.</param>
    /// <param name="chosen">The layers to compress.</param>
    /// <param name="plan">The sizes of each chosen layer.</param>
    public static CompressionPlan Uniform(int layers, IReadOnlyCollection<int> chosen, LayerPlan plan) =>
        new([.. Enumerable.Range(0, layers).Select(i => chosen.Contains(i) ? plan : null)], null);

    /// <summary>Checks that the plan can be applied to a model.</summary>
    /// <param name="model">The model's shape.</param>
    /// <exception cref="CrossheadException">The mechanism has no components, a size is out of range, or the plan and
    /// the model differ in their number of layers.</exception>
    public void Validate(ModelOptions model)
    {
        if (Layers.Count != model.Layers)
            throw new CrossheadException(
                $"the plan describes {Layers.Count} layers, the model has {model.Layers}; plan for this model.");
        VirtualHeads.RequireComponents(model.Attention);
        foreach (var layer in Layers) layer?.Validate(model);
    }
}
