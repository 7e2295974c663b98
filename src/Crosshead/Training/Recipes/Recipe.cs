using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Model;

namespace Crosshead.Training.Recipes;

/// <summary>
/// A complete run: the model, the data and the training. The JSON form has the members' names in camel case.
/// </summary>
public sealed record Recipe
{
    /// <summary>Name of the run in logs and reports. Empty means the name of the recipe's file.</summary>
    public string Name { get; init; } = "";

    /// <summary>
    /// The shape of the model. Not needed for a run that starts from a model (<c>--from</c>) or resumes
    /// (<c>--resume</c>).
    /// </summary>
    public ModelOptions Model { get; init; } = new();

    /// <summary>The text that the model is trained on.</summary>
    public DataOptions Data { get; init; } = new();

    /// <summary>How the model is trained.</summary>
    public TrainingOptions Training { get; init; } = new();

    /// <summary>
    /// Number of tokens per training sequence: <see cref="DataOptions.Context"/>, or the model's context if null.
    /// </summary>
    public int Context => Data.Context ?? Model.Context;

    /// <summary>Number of tokens per optimizer step.</summary>
    public long TokensPerStep => (long)Training.Batch * Training.GradientAccumulation * Context;

    /// <summary>
    /// Number of optimizer steps in the run, from <see cref="TrainingOptions.Steps"/> or
    /// <see cref="TrainingOptions.Tokens"/>.
    /// </summary>
    public long TotalSteps => Training.Steps ?? (((Training.Tokens ?? 0) + TokensPerStep - 1) / TokensPerStep);

    /// <summary>The key that says how long the run is: <c>training.steps</c> or <c>training.tokens</c>.</summary>
    public string LengthKey => Training.Steps is null && Training.Tokens is not null ? "training.tokens"
        : "training.steps";

    /// <summary>
    /// Reads a recipe file. The file may extend another recipe in the same folder (<c>"extends": "other.json"</c>). The
    /// overrides are applied last.
    /// </summary>
    /// <param name="path">Path of the recipe.</param>
    /// <param name="overrides">Values to set, such as <c>training.learningRate=3e-3</c>.</param>
    /// <exception cref="CrossheadException">A file cannot be read, a key is unknown, or a value has the wrong type or
    /// range.</exception>
    public static Recipe Load(string path, IEnumerable<string>? overrides = null) =>
        RecipeReader.Read(path, overrides ?? []);

    /// <summary>Returns the name of a recipe, or the name of its file if the recipe gives no name.</summary>
    /// <param name="path">Path of the recipe.</param>
    /// <param name="overrides">Values to set last.</param>
    /// <exception cref="CrossheadException">A file cannot be read, a key is unknown, or a value has the wrong type or
    /// range.</exception>
    public static string NameOf(string path, IEnumerable<string> overrides) =>
        RecipeReader.NameOf(RecipeReader.ReadDocument(path, overrides), path);

    /// <summary>Reads a recipe from JSON text without <c>extends</c>.</summary>
    /// <param name="json">The text.</param>
    /// <param name="source">The name of the text in error messages.</param>
    /// <exception cref="CrossheadException">A key is unknown, or a value has the wrong type or range.</exception>
    public static Recipe Parse(string json, string source = "the recipe") => RecipeReader.Parse(json, source);

    /// <summary>Returns the whole recipe as JSON, including default values.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, RecipeJson.Options);

    /// <summary>
    /// Returns all values as JSON, including defaults, keyed by path: <c>training.batch</c> → <c>8</c>.
    /// </summary>
    public IReadOnlyDictionary<string, string> Values() =>
        RecipeJson.Leaves(JsonNode.Parse(ToJson())).ToDictionary(l => l.Path, l => l.Value);

    /// <summary>Checks that all values are in range and fit together.</summary>
    /// <exception cref="CrossheadException">A value is out of range, or values do not fit together; the message names
    /// the values and the remedy.</exception>
    public void Validate()
    {
        RecipeSchema.Form.Check(JsonSerializer.SerializeToNode(this, RecipeJson.Options),
            Name.Length > 0 ? $"recipe \"{Name}\"" : "the recipe");
        Model.Validate();
        if (Context > Model.Context)
            throw new CrossheadException($"data.context ({Context}) is more than model.context ({Model.Context}); use "
                + $"at most {Model.Context}, or raise model.context.");
        var training = Training;
        if (Context > Array.MaxLength)
            throw new CrossheadException(
                $"the context ({Context}) is too many tokens to train on; use at most {Array.MaxLength}.");
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
        training.Probes?.Validate();
        if (training is { Moments: MomentPrecision.BFloat16, Dtype: "float64" })
            throw new CrossheadException("training.moments is bfloat16, but training.dtype is float64, whose moments "
                + "are float64 too; use training.moments=master, or training.dtype=float32.");
        if (training.Trainable.Count == 0)
            throw new CrossheadException(
                "training.trainable is empty, so nothing would be trained; name what is, for example all.");
        if (training.Schedule.WarmupSteps >= TotalSteps && training.Schedule.WarmupSteps > 0)
            throw new CrossheadException($"training.schedule.warmupSteps ({training.Schedule.WarmupSteps}) must be "
                + $"less than the run's steps ({TotalSteps}); use fewer warm-up steps, such as {TotalSteps / 10}.");
    }
}
