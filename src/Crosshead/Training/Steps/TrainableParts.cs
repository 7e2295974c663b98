using Crosshead.Layers;
using Crosshead.Training.Recipes;

namespace Crosshead.Training.Steps;

/// <summary>Which parameters a list of parts names.</summary>
internal static class TrainableParts
{
    // Folders of the names that checkpoints give to parameters.
    private static readonly (string Folder, TrainablePart Part)[] Named =
    [
        (".q_proj.", TrainablePart.Queries), (".k_proj.", TrainablePart.Keys), (".v_proj.", TrainablePart.Values),
        (".o_proj.", TrainablePart.Output), (".mlp.", TrainablePart.Mlp),
    ];

    /// <summary>The part of a parameter; a parameter without a part is trained only with <c>all</c>.</summary>
    public static TrainablePart Of(Parameter parameter) => parameter.Kind switch
    {
        ParameterKind.Norm => TrainablePart.Norms,
        ParameterKind.Mix => TrainablePart.Mixes,
        ParameterKind.Embedding => TrainablePart.Embeddings,
        _ => Named.FirstOrDefault(n => parameter.Name.Contains(n.Folder, StringComparison.Ordinal)).Part,
    };

    /// <summary>Freezes the other parameters: from now on no gradients reach them.</summary>
    /// <param name="parameters">A model's.</param>
    /// <param name="parts">What is to be trained.</param>
    /// <returns>Those to be trained.</returns>
    /// <exception cref="CrossheadException">There are none.</exception>
    public static IReadOnlyList<Parameter> Choose(IReadOnlyList<Parameter> parameters,
        IReadOnlyList<TrainablePart> parts)
    {
        Parameter[] chosen = parts.Contains(TrainablePart.All) ? [.. parameters]
            : [.. parameters.Where(p => parts.Contains(Of(p)))];
        if (chosen.Length == 0)
        {
            var there = parameters.Select(Of).Where(p => p != TrainablePart.All).Distinct().Order().Select(NameOf);
            throw new CrossheadException($"training.trainable ({string.Join(", ", parts.Select(NameOf))}) names "
                + $"nothing that this model has; it has {string.Join(", ", there)}.");
        }
        foreach (var parameter in parameters.Except(chosen)) parameter.Value.requires_grad_(false);
        return chosen;
    }

    private static string NameOf(TrainablePart part) => $"{part}".ToLowerInvariant();
}
