using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Model;

namespace Crosshead.Training.Recipes;

/// <summary>
/// A complete run: the model, the data and the training. Written as JSON with the members' names in camel case.
/// </summary>
public sealed record Recipe
{
    /// <summary>What the run is called in logs and reports. Empty: the name of the recipe's file.</summary>
    public string Name { get; init; } = "";

    /// <summary>
    /// The shape of the model. A run that starts from a model (<c>--from</c>) or goes on (<c>--resume</c>) needs none.
    /// </summary>
    public ModelOptions Model { get; init; } = new();

    /// <summary>What the model is trained on.</summary>
    public DataOptions Data { get; init; } = new();

    /// <summary>How the model is trained.</summary>
    public TrainingOptions Training { get; init; } = new();

    /// <summary>Tokens of a training sequence, with its default resolved.</summary>
    public int Context => Data.Context ?? Model.Context;

    /// <summary>Tokens of an optimizer step.</summary>
    public long TokensPerStep => (long)Training.Batch * Training.GradientAccumulation * Context;

    /// <summary>
    /// Optimizer steps of the run, from <see cref="TrainingOptions.Steps"/> or <see cref="TrainingOptions.Tokens"/>.
    /// </summary>
    public long TotalSteps => Training.Steps ?? (((Training.Tokens ?? 0) + TokensPerStep - 1) / TokensPerStep);

    /// <summary>
    /// Reads a recipe file, the recipe it derives from (<c>"extends": "other.json"</c>, beside it), and overrides.
    /// </summary>
    /// <param name="path">The recipe.</param>
    /// <param name="overrides">Values set last, as <c>training.learningRate=3e-3</c>.</param>
    /// <exception cref="CrossheadException">A file cannot be read, a key is unknown, or a value has the wrong type or
    /// range.</exception>
    public static Recipe Load(string path, IEnumerable<string>? overrides = null) =>
        RecipeReader.Read(path, overrides ?? []);

    /// <summary>What a recipe is called: the name it gives itself, or its file's.</summary>
    /// <param name="path">The recipe.</param>
    /// <param name="overrides">Values set last.</param>
    /// <exception cref="CrossheadException">A file cannot be read, a key is unknown, or a value has the wrong type or
    /// range.</exception>
    public static string NameOf(string path, IEnumerable<string> overrides) =>
        RecipeReader.NameOf(RecipeReader.ReadDocument(path, overrides), path);

    /// <summary>Reads a recipe from JSON text without <c>extends</c>.</summary>
    /// <param name="json">The text.</param>
    /// <param name="source">What error messages call it.</param>
    /// <exception cref="CrossheadException">A key is unknown, or a value has the wrong type or range.</exception>
    public static Recipe Parse(string json, string source = "the recipe") => RecipeReader.Parse(json, source);

    /// <summary>The whole recipe as JSON, defaults included.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, RecipeJson.Options);

    /// <summary>All values as JSON, defaults included, by their paths: <c>training.batch</c> → <c>8</c>.</summary>
    public IReadOnlyDictionary<string, string> Values() =>
        RecipeJson.Leaves(JsonNode.Parse(ToJson())).ToDictionary(l => l.Path, l => l.Value);

    /// <summary>Checks that all values are in range and fit each other.</summary>
    /// <exception cref="CrossheadException">They do not; the message names the values and the remedy.</exception>
    public void Validate()
    {
        RecipeSchema.Form.Check(JsonSerializer.SerializeToNode(this, RecipeJson.Options),
            Name.Length > 0 ? $"recipe \"{Name}\"" : "the recipe");
        Model.Validate();
        if (Context > Model.Context)
            throw new CrossheadException($"data.context ({Context}) is more than model.context ({Model.Context}); use "
                + $"at most {Model.Context}, or raise model.context.");
        var training = Training;
        if ((long)training.Batch * Context > Array.MaxLength)
            throw new CrossheadException(
                $"training.batch ({training.Batch}) × the context ({Context}) is too many tokens for a micro-batch; "
                + $"use a batch of at most {Array.MaxLength / Context} and raise training.gradientAccumulation.");
        if ((training.Steps is null) == (training.Tokens is null))
            throw new CrossheadException(training.Steps is null
                ? $"neither training.steps nor training.tokens is set; set one of them, for example "
                + $"{MessageTerm.Overrides} training.steps=1000."
                : $"training.steps ({training.Steps}) and training.tokens ({training.Tokens}) are both set; "
                + $"set one to null.");
        if (training.Trainable.Count == 0)
            throw new CrossheadException(
                "training.trainable is empty, so nothing would be trained; name what is, for example all.");
        if (training.Schedule.WarmupSteps >= TotalSteps && training.Schedule.WarmupSteps > 0)
            throw new CrossheadException($"training.schedule.warmupSteps ({training.Schedule.WarmupSteps}) must be "
                + $"less than the run's steps ({TotalSteps}); use fewer warm-up steps, such as {TotalSteps / 10}.");
    }
}
