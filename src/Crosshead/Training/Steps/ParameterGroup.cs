using Crosshead.Layers;
using Crosshead.Training.Recipes;

namespace Crosshead.Training.Steps;

/// <summary>Parameters that share a weight decay and a learning rate.</summary>
/// <param name="Parameters">The parameters, each in one group only.</param>
/// <param name="WeightDecay">Their decoupled weight decay.</param>
/// <param name="RateFactor">Their learning rate, in multiples of the step's.</param>
public sealed record ParameterGroup(IReadOnlyList<Parameter> Parameters, double WeightDecay, double RateFactor = 1)
{
    /// <summary>
    /// Splits a model's parameters: matrices decay, and embeddings on request; norms and biases do not decay; mixes
    /// have their own decay and rate. The number of groups is as small as possible.
    /// </summary>
    public static IReadOnlyList<ParameterGroup> Split(IEnumerable<Parameter> parameters, TrainingOptions options)
    {
        (double Decay, double Rate) GroupOf(Parameter p) => p.Kind switch
        {
            ParameterKind.Matrix => (options.WeightDecay, 1),
            ParameterKind.Embedding => (options.DecayEmbeddings ? options.WeightDecay : 0, 1),
            ParameterKind.Mix => (options.MixWeightDecay, options.MixRateFactor),
            _ => (0, 1),
        };
        return [.. parameters.ToLookup(GroupOf).OrderByDescending(g => g.Key)
            .Select(g => new ParameterGroup([.. g], g.Key.Decay, g.Key.Rate))];
    }
}
