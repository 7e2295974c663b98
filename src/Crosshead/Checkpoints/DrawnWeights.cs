using Crosshead.Checkpoints.Gguf;
using Crosshead.Model;
using Crosshead.Weights;

namespace Crosshead.Checkpoints;

/// <summary>
/// Which types the weights of a <see cref="DrawnModel"/> have: those of a GGUF file, or of a quantised folder of
/// Hugging Face.
/// </summary>
public sealed class DrawnWeights
{
    // The parameter's name and shape, and the model.
    private readonly Func<string, long[], ModelOptions, WeightFormat?> _formatOf;

    private DrawnWeights(string name, Func<string, long[], ModelOptions, WeightFormat?> formatOf) =>
        (Name, _formatOf) = (name, formatOf);

    /// <summary>All of them. <c>fp8</c>: the matrices of layers in FP8. <c>mxfp4</c>: those of experts in MXFP4, as
    /// gpt-oss has them. The others are tensors in both.</summary>
    public static IReadOnlyList<DrawnWeights> All { get; } =
    [
        .. GgufRecipe.All.Select(recipe => (DrawnWeights)recipe),
        new("fp8", (name, shape, _) => IsOf(name, shape, "model.layers.") && !name.EndsWith(".mlp.gate.weight",
            StringComparison.Ordinal) ? WeightFormat.F8 : null),
        new("mxfp4", (name, shape, _) => IsOf(name, shape, ".mlp.experts.") ? WeightFormat.Mxfp4 : null),
    ];

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>The types that a recipe of GGUF files gives. What GGUF has no place for is a tensor.</summary>
    /// <param name="recipe">The recipe.</param>
    public static implicit operator DrawnWeights(GgufRecipe recipe) => FromGgufRecipe(recipe);

    /// <inheritdoc cref="op_Implicit(GgufRecipe)"/>
    public static DrawnWeights FromGgufRecipe(GgufRecipe recipe)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        return new(recipe.Name, (parameter, shape, options) => shape.Length == 2
            && GgufNames.Find(parameter, out _) is { } name ? recipe.TypeOf(name, shape, new GgufModelFacts(
                options.Layers, options.Experts?.Count ?? 0, options.TieEmbeddings)).Format : null);
    }

    /// <summary>Those of this name.</summary>
    /// <exception cref="CrossheadException">There are none.</exception>
    public static DrawnWeights Named(string name) => All.FirstOrDefault(weights => weights.Name == name)
        ?? throw new CrossheadException($"\"{name.Shown()}\" is no type of weights; "
            + Suggestion.For(name, All.Select(weights => weights.Name)));

    /// <summary>The format of a parameter; null for a tensor.</summary>
    internal WeightFormat? FormatOf(string parameter, long[] shape, ModelOptions options) =>
        _formatOf(parameter, shape, options);

    // Matrices with a part in their name, of whole blocks.
    private static bool IsOf(string name, long[] shape, string part) => shape is [_, var columns]
        && columns % WeightFormat.F8.BlockSize == 0 && name.Contains(part, StringComparison.Ordinal);
}
