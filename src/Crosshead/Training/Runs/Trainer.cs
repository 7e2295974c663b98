using System.Runtime.InteropServices;
using Crosshead.Checkpoints;
using Crosshead.Files;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;
using Crosshead.Training.Logging;
using Crosshead.Training.Recipes;
using Crosshead.Training.Sharding;
using Crosshead.Training.Steps;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Training.Runs;

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
    public Trainer(Recipe recipe, RunOptions? options = null)
        : this(recipe, options ?? new RunOptions(), ShardData.Open) { }

    /// <summary>Checks that a recipe's data can be trained on.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <exception cref="CrossheadException">The data are missing or damaged, or do not fit the recipe.</exception>
    public static void RequireData(Recipe recipe) => ShardData.Open(recipe).Dispose();

    internal Trainer(Recipe recipe, RunOptions options, Func<Recipe, ITrainingData> open)
    {
        recipe.Validate();
        if (options.Resume && options.From is not null)
            throw new CrossheadException($"{MessageTerm.Resume} goes on with a run, {MessageTerm.From} starts a new "
                + $"one from another model; use one of them.");
        if (options is { Resume: true, Overwrite: true })
            throw new CrossheadException($"{MessageTerm.Resume} goes on with a run, {MessageTerm.Overwrite} replaces "
                + $"it by a new one; use one of them.");
        if (options is { Overwrite: true, Folder: { } own }
            && new[] { options.From, recipe.Training.Distillation?.Teacher }
            .FirstOrDefault(m => m is { Length: > 0 } && IsWithin(m, own)) is { } read)
            throw new CrossheadException($"{MessageTerm.Overwrite} would remove \"{read}\", which the run begins with; "
                + $"write the new run into another folder.");
        if (options.Resume && options.Folder is null)
            throw new CrossheadException(
                $"{MessageTerm.Resume} needs the folder of the run to go on with; name it with {MessageTerm.Folder}.");
        if (recipe.Training.Distillation is { Teacher.Length: 0 })
            throw new CrossheadException($"training.distillation has no teacher; name the original model's directory "
                + $"with {MessageTerm.Teacher}, or set training.distillation=null.");
        if (recipe.Training.GradientAccumulation is var batches && options.Communicator.Ranks is var ranks
            && batches < ranks)
            throw new CrossheadException($"training.gradientAccumulation ({batches}) is less than the number of ranks "
                + $"({ranks}): each rank needs a micro-batch; use at least {ranks}, with a smaller training.batch (now "
                + $"{recipe.Training.Batch}) for the same tokens a step, or start at most {batches}.");
        (_recipe, _options, _open) = (recipe, options, open);
    }

    private ICommunicator Ranks => _options.Communicator;

    /// <summary>
    /// Trains until the last step, the time limit, or a request to stop. Then it finishes the step and saves the state.
    /// A finished run that is resumed stays as it is (<see cref="TrainingResult.WasFinished"/>).
    /// </summary>
    /// <param name="progress">Called on this thread after each step.</param>
    /// <param name="cancellation">Asks to stop.</param>
    /// <exception cref="CrossheadException">
    /// Bad input; too little memory; or the training broke down (a loss that is not finite, or a spike without
    /// recovery). The message names the step, the loss, the rate and the checkpoint to return to.
    /// </exception>
    public TrainingResult Run(IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        var inSteps = false;
        try
        {
            using var data = _open(_recipe);
            using var held = _options.Folder is { } own && Ranks.Rank == 0 ? FolderLock.Take(own) : null;
            var begin = RunStart.Of(_recipe, _options, data);
            var (state, start) = begin;
            var probe = RecallProbe.Of(_recipe, data);
            var device = RankDevice.Choose(_recipe.Training.Device, Ranks);
            RequireSame(data, device, begin);
            if (begin.IsFinished) return FinishedBefore(state!, start!);
            var checkpoints = _options.Folder is { } folder && Ranks.Rank == 0 ? Cleaned(folder) : null;
            var precision = state is null ? Agreed(TrainingPrecision.Of(_recipe, device)) : RunStart.PrecisionOf(state);
            var recipe = precision.In(_recipe);
            using var model = new LanguageModel(recipe.Model, Precision.Parse(precision.Dtype), device)
            {
                ActivationCheckpointing = _recipe.Training.ActivationCheckpointing,
            };
            var groups = Groups(model);
            // Before the weights are there, so that no rank ever has all masters.
            using var together = ShardedTraining.Between(model, groups, _recipe.Training, Ranks);
            StartWeights(model, state, start, data);
            using var optimizer = together.NewOptimizer(_recipe.Training);
            if (state is not null) Checkpoint.ReadMoments(start!, optimizer, state);
            using var distillation = Teacher(model, state, data, out var teacherHash);
            using var run = new TrainingRun(recipe, _options, data,
                new TrainingStep(model, optimizer, _recipe.Training.Clip, distillation) { Ranks = together },
                checkpoints, state)
            {
                Companions = new ModelCompanions(start, Path.GetDirectoryName(data.TokenizerFile)),
                Precision = precision,
                Probe = probe,
                TeacherHash = teacherHash,
            };
            if (_options.OnNote is { } note) foreach (var told in Notes(precision, device, state, data)) note(told);
            inSteps = true;
            return run.ToTheEnd(progress, cancellation);
        }
        catch (ExternalException e) when (RecipeMemory.Translate(e, _recipe, Ranks.Ranks, inSteps) is { } translated)
        {
            throw translated;
        }
        catch (OutOfMemoryException e)
        {
            throw RecipeMemory.OfBatch(e, _recipe, Ranks.Ranks);
        }
    }

    /// <summary>
    /// Checks everything that is known before any computation or writing: recipe, data, folder, device, and the headers
    /// of models.
    /// </summary>
    /// <exception cref="CrossheadException">Bad input; <see cref="Run"/> would refuse it too.</exception>
    public void Check()
    {
        using var data = _open(_recipe);
        _ = RunStart.Of(_recipe, _options, data);
        _ = RecallProbe.Of(_recipe, data);
    }

    // The folder's checkpoints, without incomplete files of a killed run and without an earlier run that is replaced.
    private CheckpointFolder Cleaned(string folder)
    {
        if (_options.Overwrite) RunFolder.Clear(folder);
        var checkpoints = new CheckpointFolder(CheckpointFolder.In(folder));
        checkpoints.Clean();
        return checkpoints;
    }

    private static bool IsWithin(string path, string folder) =>
        (Path.GetFullPath(path) + Path.DirectorySeparatorChar).StartsWith(Path.TrimEndingDirectorySeparator(
            Path.GetFullPath(folder)) + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    private IReadOnlyList<ParameterGroup> Groups(LanguageModel model) => ParameterGroup.Split(
        TrainableParts.Choose(model.Parameters, _recipe.Training.Trainable), _recipe.Training);

    // After all ranks have checked the folder, and before rank 0 changes it.
    private void RequireSame(ITrainingData data, Device device, RunStart start) => Ranks.RequireSame(
        ("the recipe", Checkpoint.HashOf(_recipe)), ("the data", data.Hash), ("the tokenizer", data.TokenizerHash),
        ("the kind of device", $"{device.type}"), ("the step to resume at", $"{start.State?.Step}"),
        ("what is left to do", $"{start.IsFinished}"));

    // What a run that ended before has come to. The log knows what the checkpoint does not keep.
    private TrainingResult FinishedBefore(CheckpointState state, string checkpoint)
    {
        var last = LogTail.Last(Path.Combine(_options.Folder!, RunFolder.LogFile)) is { } record
            && record.Step == state.Step ? record : null;
        return new TrainingResult(TrainingEnd.Completed, state.Step, state.Tokens, last?.Loss ?? double.NaN,
            state.HeldOutLoss, state.BestHeldOutLoss, TokensPerSecond: 0, state.Spikes, checkpoint, _options.Folder)
        {
            Precision = RunStart.PrecisionOf(state),
            Recall = last?.Recall,
            VectorBits = state.VectorBits,
            WasFinished = true,
        };
    }

    // Ranks on several machines may measure different speeds; rank 0 decides.
    private TrainingPrecision Agreed(TrainingPrecision own) =>
        new(Ranks.Broadcast(own.Dtype, 0), Ranks.Broadcast(own.Reason, 0));

    private IEnumerable<string> Notes(TrainingPrecision precision, Device device, CheckpointState? state,
        ITrainingData data)
    {
        if (_recipe.Training.Dtype == TrainingPrecision.Auto)
            yield return state is null ? $"{precision}" : $"{precision.Dtype}, as the run began";
        if (device.type == DeviceType.CPU && state?.VectorBits is { } bits && bits != CpuVectors.Bits)
            yield return $"the run's kernels used vectors of {bits} bits until its checkpoint and use "
                + $"{CpuVectors.Bits} here: the last digits may differ from those of a run on one machine";
        if (data.HeldOutRemark is { } remark) yield return remark;
    }

    private void StartWeights(LanguageModel model, CheckpointState? state, string? start, ITrainingData data)
    {
        if (start is not null) ModelDirectory.LoadWeights(model, start);
        else model.Initialize(_recipe.Training.Seed);
        if (state is not null) Continue(data, state, start!);
    }

    // The position in the data must match the steps taken. From another position the run would continue differently.
    private void Continue(ITrainingData data, CheckpointState state, string checkpoint)
    {
        string wrong;
        try
        {
            data.Position = state.Position;
            var taken = (Int128)state.Step * _recipe.Training.GradientAccumulation * _recipe.Training.Batch;
            if (data.Taken == taken) return;
            wrong = $"{state.Step} steps take {taken} sequences, its place in the data is that of {data.Taken}";
        }
        catch (CrossheadException e)
        {
            wrong = e.Reason();
        }
        throw new CrossheadException(
            $"the checkpoint \"{checkpoint}\" is damaged: {wrong}; remove the folder to go back to the one before.");
    }

    // The teacher; null if the recipe has none. A resumed run needs the same teacher, wherever its folder is now.
    private Distillation? Teacher(LanguageModel model, CheckpointState? state, ITrainingData data, out string? hash)
    {
        hash = null;
        if (_recipe.Training.Distillation is not { } options) return null;
        var distillation = Distillation.Load(options, model, _recipe.Context);
        try
        {
            hash = ModelDescription.Of(options.Teacher).WeightsHash;
            if (state is not null && state.TeacherHash != hash)
                throw new CrossheadException(
                    $"the teacher \"{options.Teacher}\" ({hash}) is not the one of checkpoint step {state.Step} "
                    + $"({state.TeacherHash}); use the same model with {MessageTerm.Teacher}, or start a new run.");
            return distillation;
        }
        catch
        {
            distillation.Dispose();
            throw;
        }
    }
}
