using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Files;
using Crosshead.Training.Recipes;

namespace Crosshead.Training.Runs;

/// <summary>The contents of a checkpoint besides weights and moments: <c>state.json</c>.</summary>
internal sealed record CheckpointState
{
    public const string FileName = "state.json";

    private static readonly JsonSerializerOptions Options =
        new(RecipeJson.Options) { RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };

    /// <summary>Optimizer steps taken.</summary>
    public required long Step { get; init; }

    /// <summary>Tokens trained on.</summary>
    public required long Tokens { get; init; }

    /// <summary>Place in the data's order.</summary>
    public required JsonNode Position { get; init; }

    /// <summary>Held-out loss at this step; null if it was not evaluated.</summary>
    public double? HeldOutLoss { get; init; }

    /// <summary>Lowest held-out loss of the run so far.</summary>
    public double? BestHeldOutLoss { get; init; }

    /// <summary>The spike detector.</summary>
    public required SpikeState Spike { get; init; }

    /// <summary>Steps that were spikes.</summary>
    public long Spikes { get; init; }

    /// <summary>The whole recipe, with the chosen precision if the recipe left it open.</summary>
    public required Recipe Recipe { get; init; }

    /// <summary>SHA-256 of the recipe's JSON.</summary>
    public required string RecipeHash { get; init; }

    /// <summary>Hash of the data.</summary>
    public required string DataHash { get; init; }

    /// <summary>Hash of the tokenizer.</summary>
    public required string TokenizerHash { get; init; }

    /// <summary>Why the run computes in its precision; null in checkpoints of older versions.</summary>
    public string? PrecisionReason { get; init; }

    /// <summary>
    /// Width in bits of the vectors that the kernels used on the processor (<see cref="Runtime.CpuVectors.Bits"/>);
    /// null on CUDA and in checkpoints of older versions.
    /// </summary>
    public int? VectorBits { get; init; }

    /// <summary>Hash of the teacher's weights; null without a teacher.</summary>
    public string? TeacherHash { get; init; }

    /// <summary>Version of this library.</summary>
    public required string Version { get; init; }

    /// <summary>The file's text, with its checksum.</summary>
    public string ToJson() => SealedJson.Seal(JsonSerializer.Serialize(this, RecipeJson.Options));

    /// <summary>Reads the state of a checkpoint and checks its checksum, and that its values fit each other.</summary>
    /// <exception cref="CrossheadException">The file cannot be read, or is damaged.</exception>
    public static CheckpointState Read(string folder)
    {
        try
        {
            var text = InputFile.ReadText(Path.Combine(folder, FileName));
            var document = ConfigurationJson.ParseObject(text);
            SealedJson.Check(text, FileName);
            if (document["recipe"] is { } recipe) RecipeSchema.Form.Check(recipe, FileName);
            var state = document.Deserialize<CheckpointState>(Options)!;
            state.Recipe.Validate();
            return state.Contradiction(Path.GetFileName(Path.TrimEndingDirectorySeparator(folder))) is { } wrong
                ? throw new CrossheadException(wrong) : state;
        }
        catch (Exception e)
            when (e is IOException or UnauthorizedAccessException or JsonException or CrossheadException)
        {
            throw new CrossheadException($"the checkpoint \"{folder}\" cannot be read: {e.Reason()}; remove the folder "
                + $"to go back to the one before.", e);
        }
    }

    // A contradiction that no run can have; null if there is none.
    private string? Contradiction(string folder)
    {
        bool Within(long value, long most) => value >= 0 && value <= most;
        return Step < 1 || (CheckpointFolder.StepOf(folder) is { } named && named != Step) ? $"its step is {Step}"
            : (Int128)Step * Recipe.TokensPerStep != Tokens
            ? $"its {Tokens} tokens are not those of {Step} steps of {Recipe.TokensPerStep}"
            : HeldOutLoss is { } loss && !double.IsFinite(loss) ? $"its held-out loss is {loss}"
            : BestHeldOutLoss is { } best && !(best <= (HeldOutLoss ?? best) && double.IsFinite(best))
            ? $"its best held-out loss is {best}"
            : !Within(Spikes, Step) || !Within(Spike.Steps, Step) || (Spike.Began is { } began
                && !(began > 0 && began <= Step)) ? $"it tells of more than its {Step} steps"
            : !double.IsFinite(Spike.Mean) || !double.IsFinite(Spike.Baseline)
                || !(Spike.Variance >= 0 && double.IsFinite(Spike.Variance)) ? "its mean loss is no number"
            : null;
    }
}
