using Crosshead.Layers;

namespace Crosshead.Training;

/// <summary>Parameters that share a weight decay.</summary>
/// <param name="Parameters">The parameters, each in one group only.</param>
/// <param name="WeightDecay">Their decoupled weight decay.</param>
public sealed record ParameterGroup(IReadOnlyList<Parameter> Parameters, double WeightDecay)
{
    /// <summary>
    /// Splits a model's parameters: matrices decay, and embeddings where asked; norms, biases and mixes do not. Empty groups are left out.
    /// </summary>
    public static IReadOnlyList<ParameterGroup> Split(IEnumerable<Parameter> parameters, double weightDecay, bool decayEmbeddings)
    {
        bool Decays(Parameter p) => p.Kind == ParameterKind.Matrix || (p.Kind == ParameterKind.Embedding && decayEmbeddings);
        return [.. parameters.ToLookup(Decays).OrderByDescending(g => g.Key).Select(g => new ParameterGroup([.. g], g.Key ? weightDecay : 0))];
    }
}
