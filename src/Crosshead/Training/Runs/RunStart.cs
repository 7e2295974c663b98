using Crosshead.Checkpoints;
using Crosshead.Data.Shards;
using Crosshead.Runtime;
using Crosshead.Text.Tokenizers;
using Crosshead.Training.Recipes;
using Crosshead.Training.Steps;

namespace Crosshead.Training.Runs;

/// <summary>How a run begins.</summary>
/// <param name="State">The state to continue from; null for a new run.</param>
/// <param name="Weights">The folder of its weights; null for random weights.</param>
internal sealed record RunStart(CheckpointState? State, string? Weights)
{
    /// <summary>Whether nothing is left to do: the state is that of the last step, and its model is written.</summary>
    public bool IsFinished { get; private init; }

    /// <summary>Checks how a run begins.</summary>
    /// <param name="recipe">The run.</param>
    /// <param name="options">How it is run.</param>
    /// <param name="data">Its data.</param>
    /// <exception cref="CrossheadException">It cannot begin; nothing was changed.</exception>
    public static RunStart Of(Recipe recipe, RunOptions options, ITrainingData data)
    {
        var checkpoints = options.Folder is { } folder ? new CheckpointFolder(CheckpointFolder.In(folder)) : null;
        var state = Resumed(recipe, options, checkpoints, data);
        var start = state is null ? options.From : checkpoints!.Newest;
        RequireVocabulary(recipe, data.VocabularySize, "the data's tokenizer", start);
        RecipeMemory.Require(recipe, ComputeDevice.Parse(recipe.Training.Device), options.Communicator.Ranks);
        if (state is null && start is not null)
        {
            if (!Path.Exists(start)) throw RunRecipe.Missing(start);
            RequireVocabulary(recipe, ModelDirectory.Check(start).Options.VocabularySize,
                $"{MessageTerm.From} \"{start}\"");
            RequireTokenizer(start, data);
        }
        if (recipe.Training.Distillation is { } distillation)
        {
            Distillation.Require(distillation, recipe.Model, recipe.Context);
            RequireTokenizer(distillation.Teacher, data);
        }
        // A run that was killed between its last checkpoint and the final model must still write the model.
        return new RunStart(state, start)
        {
            IsFinished = state?.Step == recipe.TotalSteps && RunFolder.ModelStep(options.Folder!) == state.Step,
        };
    }

    /// <summary>A resumed run keeps its precision, even if another is faster on this machine.</summary>
    public static TrainingPrecision PrecisionOf(CheckpointState state) =>
        new(state.Recipe.Training.Dtype, state.PrecisionReason ?? "as the run began");

    // The state to continue from; null for a new run.
    private static CheckpointState? Resumed(Recipe recipe, RunOptions options, CheckpointFolder? checkpoints,
        ITrainingData data)
    {
        if (!options.Resume)
        {
            if (options.Folder is { } folder) RunFolder.Require(folder, options.Overwrite);
            return null;
        }
        var newest = checkpoints?.Newest;
        if (newest is null)
            throw new CrossheadException($"\"{options.Folder}\" holds no checkpoint to resume from; leave out "
                + $"{MessageTerm.Resume} to start the run.");

        var state = CheckpointState.Read(newest);
        var changes = RecipeChanges.Between(state.Recipe,
            recipe.Training.Dtype == TrainingPrecision.Auto ? PrecisionOf(state).In(recipe) : recipe);
        if (changes.Count > 0)
            throw new CrossheadException($"the recipe is not the one of checkpoint {Path.GetFileName(newest)}: "
                + $"{string.Join(", ", changes)}; restore it, or start a new run in another folder (with "
                + $"{MessageTerm.From} {newest} to keep the weights).");
        if (state.TokenizerHash != data.TokenizerHash)
            throw new DataMismatchException($"the data were made with another tokenizer ({data.TokenizerHash}) than "
                + $"those of checkpoint {Path.GetFileName(newest)} ({state.TokenizerHash}); use the same data.");
        if (state.DataHash != data.Hash)
            throw new DataMismatchException(
                $"the data ({data.Hash}) are not those of checkpoint {Path.GetFileName(newest)} ({state.DataHash}); "
                + $"use the same data, or start a new run with {MessageTerm.From} {newest}.");
        if (state.Step > recipe.TotalSteps)
            throw new CrossheadException($"checkpoint {Path.GetFileName(newest)} is at step {state.Step}, after the "
                + $"recipe's last step ({recipe.TotalSteps}); raise {recipe.LengthKey} to go on.");
        return state;
    }

    // Ids have no meaning with another tokenizer; a model directory without a tokenizer is trusted.
    private static void RequireTokenizer(string folder, ITrainingData data)
    {
        if (TokenizerFiles.Find(folder) is { } file && Tokenizer.Load(file).Sha256 is var hash
            && hash != data.TokenizerHash)
            throw new DataMismatchException($"\"{file}\" ({hash[..12]}…) is not the tokenizer that the data were made "
                + $"with ({data.TokenizerHash[..Math.Min(12, data.TokenizerHash.Length)]}…); prepare the data with the "
                + $"model's tokenizer.");
    }

    // A model may have room for more tokens than its tokenizer knows; a new one is not made so.
    private static void RequireVocabulary(Recipe recipe, int size, string whose, string? start = null)
    {
        var own = recipe.Model.VocabularySize;
        if (size == own || (start is not null && size < own)) return;
        var remedy = start is null ? $"set model.vocabularySize={size}, or use data and tokenizer of {own} tokens"
            : $"prepare the data with the tokenizer of \"{start}\"";
        throw new CrossheadException(
            $"model.vocabularySize ({own}) is not the vocabulary of {whose} ({size}); {remedy}.");
    }
}
