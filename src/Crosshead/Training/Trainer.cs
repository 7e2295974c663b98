using System.Runtime.InteropServices;
using Crosshead.Checkpoints;
using Crosshead.Data;
using Crosshead.Model;
using Crosshead.Runtime;

namespace Crosshead.Training;

/// <summary>
/// Runs a recipe: new, resumed exactly from its newest checkpoint, or from the weights of another model.
/// </summary>
public sealed class Trainer
{
    private readonly Recipe _recipe;
    private readonly RunOptions _options;
    private readonly Func<Recipe, ITrainingData> _open;

    /// <summary>Prepares a run; nothing is read or written before <see cref="Run"/>.</summary>
    /// <param name="recipe">The run; validated here.</param>
    /// <param name="options">How it is run this time; null for a run that writes nothing.</param>
    /// <exception cref="CrossheadException">The recipe's values or the options do not fit each other.</exception>
    public Trainer(Recipe recipe, RunOptions? options = null) : this(recipe, options ?? new RunOptions(), ShardData.Open) { }

    internal Trainer(Recipe recipe, RunOptions options, Func<Recipe, ITrainingData> open)
    {
        recipe.Validate();
        if (options.Resume && options.From is not null)
            throw new CrossheadException("--resume goes on with a run, --from starts a new one from another model; use one of them.");
        if (options.Resume && options.Folder is null)
            throw new CrossheadException("--resume needs the folder of the run to go on with; name it with --out.");
        (_recipe, _options, _open) = (recipe, options, open);
    }

    /// <summary>Trains to the last step, to the time limit, or until it is asked to stop; then the step is finished and its state saved.</summary>
    /// <param name="progress">Called on this thread after each step.</param>
    /// <param name="cancellation">Asks to stop.</param>
    /// <exception cref="CrossheadException">
    /// Bad input; no memory; or the training broke down (a loss that is not finite, a spike without recovery): the message
    /// names step, loss, rate and the checkpoint to go back to.
    /// </exception>
    public TrainingResult Run(IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        try
        {
            using var data = _open(_recipe);
            RequireVocabulary(data.VocabularySize, "the data's tokenizer");
            var checkpoints = _options.Folder is { } folder ? new CheckpointFolder(Path.Combine(folder, "checkpoints")) : null;
            var state = Resumed(checkpoints, data);
            var device = ComputeDevice.Parse(_recipe.Training.Device);
            using var model = new LanguageModel(_recipe.Model, Precision.Parse(_recipe.Training.Dtype), device) { ActivationCheckpointing = _recipe.Training.ActivationCheckpointing };
            using var optimizer = NewOptimizer(model);
            StartWeights(model, optimizer, state, checkpoints, data);
            using var run = new TrainingRun(_recipe, _options, data, model, optimizer, checkpoints, state);
            return run.ToTheEnd(progress, cancellation);
        }
        catch (ExternalException e) when (OutOfMemory.Translate(e, _recipe) is { } translated)
        {
            throw translated;
        }
        catch (OutOfMemoryException e)
        {
            throw OutOfMemory.OfBatch(e, _recipe);
        }
    }

    private AdamW NewOptimizer(LanguageModel model)
    {
        var training = _recipe.Training;
        var groups = ParameterGroup.Split(model.Parameters, training.WeightDecay, training.DecayEmbeddings);
        return new AdamW(groups, training.Beta1, training.Beta2, training.Epsilon);
    }

    // The state to go on from; null for a new run.
    private CheckpointState? Resumed(CheckpointFolder? checkpoints, ITrainingData data)
    {
        checkpoints?.Clean();
        var newest = checkpoints?.Before(long.MaxValue);
        if (!_options.Resume)
            return newest is null ? null : throw new CrossheadException($"\"{_options.Folder}\" holds a run with the checkpoint {Path.GetFileName(newest)}; use --resume to go on with it, or another folder.");
        if (newest is null)
            throw new CrossheadException($"\"{_options.Folder}\" holds no checkpoint to resume from; leave out --resume to start the run.");

        var state = CheckpointState.Read(newest);
        var changes = RecipeChanges.Between(state.Recipe, _recipe);
        if (changes.Count > 0)
            throw new CrossheadException($"the recipe is not the one of checkpoint {Path.GetFileName(newest)}: {string.Join(", ", changes)}; restore it, or start a new run in another folder (with --from {newest} to keep the weights).");
        if (state.TokenizerHash != data.TokenizerHash)
            throw new CrossheadException($"the data were made with another tokenizer ({data.TokenizerHash}) than those of checkpoint {Path.GetFileName(newest)} ({state.TokenizerHash}); use the same data.");
        if (state.DataHash != data.Hash)
            throw new CrossheadException($"the data ({data.Hash}) are not those of checkpoint {Path.GetFileName(newest)} ({state.DataHash}); use the same data, or start a new run with --from {newest}.");
        // A run that was killed between its last checkpoint and the final model still has that to write.
        if (state.Step > _recipe.TotalSteps || (state.Step == _recipe.TotalSteps && File.Exists(Path.Combine(_options.Folder!, ModelDirectory.ConfigFile))))
            throw new CrossheadException($"checkpoint {Path.GetFileName(newest)} is at step {state.Step} of {_recipe.TotalSteps}: the run is complete; raise training.steps to go on.");
        return state;
    }

    private void StartWeights(LanguageModel model, AdamW optimizer, CheckpointState? state, CheckpointFolder? checkpoints, ITrainingData data)
    {
        if (state is not null)
        {
            Checkpoint.Read(checkpoints!.Before(long.MaxValue)!, model, optimizer, state);
            data.Position = state.Position;
        }
        else if (_options.From is { } from)
        {
            if (!Directory.Exists(from)) throw new CrossheadException($"--from \"{from}\" is no model directory; name a folder that holds {ModelDirectory.ConfigFile} and {ModelDirectory.WeightsFile}.");
            RequireVocabulary(ModelConfig.Read(Path.Combine(from, ModelDirectory.ConfigFile)).VocabularySize, $"--from \"{from}\"");
            RequireTokenizer(from, data);
            ModelDirectory.LoadWeights(model, Path.Combine(from, ModelDirectory.WeightsFile));
        }
        else model.Initialize(_recipe.Training.Seed);
    }

    // Ids mean nothing under another tokenizer; a model directory without one is trusted.
    private static void RequireTokenizer(string folder, ITrainingData data)
    {
        if (TokenizerFiles.Find(folder) is { } file && Tokenizer.Load(file).Sha256 is var hash && hash != data.TokenizerHash)
            throw new CrossheadException($"\"{file}\" ({hash[..12]}…) is not the tokenizer that the data were made with ({data.TokenizerHash[..Math.Min(12, data.TokenizerHash.Length)]}…); prepare the data with the model's tokenizer.");
    }

    private void RequireVocabulary(int size, string whose)
    {
        if (size != _recipe.Model.VocabularySize)
            throw new CrossheadException($"model.vocabularySize ({_recipe.Model.VocabularySize}) is not the vocabulary of {whose} ({size}); set model.vocabularySize={size}, or use data and tokenizer of {_recipe.Model.VocabularySize} tokens.");
    }
}
