using System.Security.Cryptography;
using System.Text;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Files;
using Crosshead.Training.Recipes;
using Crosshead.Training.Steps;

namespace Crosshead.Training.Runs;

/// <summary>
/// A run's state on disk, from which it continues exactly: a model directory in master precision, the optimizer's
/// moments
/// in <c>optimizer.safetensors</c>, and <c>state.json</c>.
/// </summary>
internal static class Checkpoint
{
    public const string OptimizerFile = "optimizer.safetensors";

    /// <summary>Where the header of the weights tells their step.</summary>
    public const string StepKey = "step";

    /// <summary>Version of this library, as checkpoints name it.</summary>
    public static string Version { get; } = typeof(Checkpoint).Assembly.GetName().Version?.ToString(3) ?? "";

    /// <summary>SHA-256 of a recipe.</summary>
    public static string HashOf(Recipe recipe) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(recipe.ToJson())));

    /// <summary>Writes all files into a new folder, each flushed to the disk. Only rank 0 does it.</summary>
    public static void Write(string folder, TrainingStep step, CheckpointState state, ITrainingData data,
        ModelCompanions companions)
    {
        SaveModel(folder, step, state, data, companions);
        SafetensorsWriter.WriteEach(Path.Combine(folder, OptimizerFile), step.Ranks.Moments(step.Optimizer));
        AtomicFile.WriteText(Path.Combine(folder, CheckpointState.FileName), state.ToJson());
    }

    /// <summary>Writes the model directory alone. Only rank 0 does it.</summary>
    public static void SaveModel(string folder, TrainingStep step, CheckpointState state, ITrainingData data,
        ModelCompanions companions)
    {
        Directory.CreateDirectory(folder);
        companions.Save(folder);
        var metadata = new Dictionary<string, string>
        {
            ["crosshead_version"] = state.Version,
            ["recipe"] = state.Recipe.Name,
            ["dtype"] = state.Recipe.Training.Dtype,
            [StepKey] = $"{state.Step}",
            ["tokens"] = $"{state.Tokens}",
        };
        ModelDirectory.Save(folder, step.Model.Options, [.. step.Ranks.Weights()], metadata,
            companions.TokensOr(data.BeginToken, data.EndToken));
    }

    /// <summary>Reads the moments into an optimizer of the same parameters.</summary>
    /// <exception cref="CrossheadException">The file is missing or damaged.</exception>
    public static void ReadMoments(string folder, AdamW optimizer, CheckpointState state)
    {
        using var moments = SafetensorsReader.Open(Path.Combine(folder, OptimizerFile));
        optimizer.Restore(state.Step, moments.Read);
    }
}
