using System.Globalization;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Data.Shards;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Training.Runs;

/// <summary>The files of a run in its folder. Other files there are never touched.</summary>
public static class RunFolder
{
    /// <summary>The log of the steps.</summary>
    public const string LogFile = "log.jsonl";

    /// <summary>The folder of TensorBoard's events.</summary>
    internal const string TensorBoard = "tensorboard";

    /// <summary>The step of the newest complete checkpoint; null if there is none.</summary>
    /// <param name="folder">The run's folder.</param>
    public static long? SavedStep(string folder) =>
        new CheckpointFolder(CheckpointFolder.In(folder)).All is [.., var newest] ? newest.Step : null;

    /// <summary>The step of the model that a run has written; null without a whole model of a run.</summary>
    /// <param name="folder">The run's folder.</param>
    internal static long? ModelStep(string folder)
    {
        if (!File.Exists(Path.Combine(folder, ModelFileNames.Configuration)) || !WeightFiles.ExistIn(folder))
            return null;
        try
        {
            using var weights = WeightFiles.Open(folder);
            return long.TryParse(weights.Files[0].Metadata.GetValueOrDefault(Checkpoint.StepKey), NumberStyles.None,
                CultureInfo.InvariantCulture, out var step) ? step : null;
        }
        catch (CrossheadException)
        {
            return null; // damaged: written again
        }
    }

    /// <summary>
    /// Refuses a folder that holds a run which may not be replaced, or a model, data or a tokenizer of no run.
    /// </summary>
    /// <exception cref="CrossheadException">The folder cannot be used; nothing was changed.</exception>
    internal static void Require(string folder, bool overwrite)
    {
        if (!Directory.Exists(folder)) return;
        var newest = new CheckpointFolder(CheckpointFolder.In(folder)).Newest;
        var logged = new FileInfo(Path.Combine(folder, LogFile)) is { Exists: true, Length: > 0 };
        if (newest is null && !logged && OthersIn(folder) is { } others)
            throw new CrossheadException($"\"{folder}\" holds {others} that is not of a run; name another folder.");
        if (overwrite) return;
        if (newest is not null)
            throw new CrossheadException(
                $"\"{folder}\" holds a run with the checkpoint {Path.GetFileName(newest)}; use {MessageTerm.Resume} to "
                + $"go on with it, {MessageTerm.Overwrite} to replace it, or another folder.");
        if (logged)
            throw new CrossheadException($"\"{folder}\" holds the log of a run that saved no checkpoint; use "
                + $"{MessageTerm.Overwrite} to replace it, or another folder.");
    }

    // What a run would write over, or beside.
    private static string? OthersIn(string folder) =>
        File.Exists(Path.Combine(folder, ModelFileNames.Configuration)) || WeightFiles.ExistIn(folder) ? "a model"
        : File.Exists(Path.Combine(folder, DatasetManifest.FileName)) ? "prepared text"
        : TokenizerFiles.Find(folder) is not null ? "a tokenizer" : null;

    /// <summary>Removes an earlier run, its checkpoints last.</summary>
    /// <exception cref="CrossheadException">A file cannot be removed.</exception>
    internal static void Clear(string folder)
    {
        try
        {
            foreach (var pattern
                in new[] { ModelFileNames.Configuration, "model*.safetensors", ShardIndex.FileName, LogFile })
                foreach (var file in Directory.GetFiles(folder, pattern)) File.Delete(file);
            foreach (var part in new[] { Path.Combine(folder, TensorBoard), CheckpointFolder.In(folder) }
                .Where(Directory.Exists))
                Directory.Delete(part, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException(
                $"the run in \"{folder}\" cannot be removed: {e.Reason()}; name another folder.", e);
        }
    }
}
