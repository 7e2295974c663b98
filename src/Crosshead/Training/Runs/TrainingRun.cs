using Crosshead.Checkpoints;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;
using Crosshead.Training.Logging;
using Crosshead.Training.Recipes;
using Crosshead.Training.Steps;
using TorchSharp;

namespace Crosshead.Training.Runs;

/// <summary>The loop over the steps of a run, with its evaluations, checkpoints and logs.</summary>
internal sealed class TrainingRun : IDisposable
{
    private readonly Recipe _recipe;
    private readonly RunOptions _options;
    private readonly ITrainingData _data;
    private readonly StepBatches _batches;
    private readonly LanguageModel _model;
    private readonly AdamW _optimizer;
    private readonly CheckpointFolder? _checkpoints;
    private readonly TrainingStep _trainingStep;
    private readonly Schedule _schedule;
    private readonly SpikeDetector _spikes;
    private readonly List<ITrainingLog> _ownLogs = [];
    private readonly TrainingPace _pace;
    private readonly double _flopsPerToken;
    private readonly double? _peak;
    private readonly DataParallel _together;
    private readonly ICommunicator _ranks;

    private long _step, _tokens, _spikeSteps;
    private long? _savedStep;
    private double _loss, _lossSum;
    private long _lossCount;
    private double? _heldOut, _bestHeldOut, _heldOutHere;
    private IReadOnlyDictionary<string, double>? _recall, _recallHere;
    private TrainingEnd? _asked; // why the run is to end before its last step, which all ranks know

    public TrainingRun(Recipe recipe, RunOptions options, ITrainingData data, TrainingStep step,
        CheckpointFolder? checkpoints, CheckpointState? state)
    {
        (_recipe, _options, _data, _trainingStep, _checkpoints) = (recipe, options, data, step, checkpoints);
        (_model, _optimizer, _together, _ranks) = (step.Model, step.Optimizer, step.Ranks, step.Ranks.Communicator);
        _batches = new StepBatches(data, _model.Device, _ranks, recipe.Training.GradientAccumulation);
        _schedule = new Schedule(recipe.Training.Schedule, recipe.Training.LearningRate, recipe.TotalSteps);
        _spikes = new SpikeDetector(recipe.Training.Spike, state?.Spike);
        (_step, _tokens, _spikeSteps) = (state?.Step ?? 0, state?.Tokens ?? 0, state?.Spikes ?? 0);
        (_heldOut, _heldOutHere, _bestHeldOut, _savedStep) = (state?.HeldOutLoss, state?.HeldOutLoss,
            state?.BestHeldOutLoss, state?.Step);
        _flopsPerToken = ModelCost.Of(recipe.Model with { Context = recipe.Context }).TrainingFlops;
        _peak = _ranks.Ranks * (options.PeakFlops
            ?? (PeakFlops.Measure(_model.Device, _model.ComputeType) is { Busy: false } peak ? peak.PerSecond : null));
        if (options.Folder is { } folder && _ranks.Rank == 0)
        {
            long? resumed = state is null ? null : _step;
            _ownLogs.Add(new JsonLinesLog(Path.Combine(folder, RunFolder.LogFile), resumed));
            _ownLogs.Add(new TensorBoardLog(Path.Combine(folder, RunFolder.TensorBoard), resumed));
        }
        _pace = new TrainingPace(recipe.TokensPerStep);
    }

    /// <summary>Files that go with the model.</summary>
    public required ModelCompanions Companions { get; init; }

    /// <summary>What the model recalls; null if that is not measured.</summary>
    public RecallProbe? Probe { get; init; }

    /// <summary>The precision that the recipe has come to.</summary>
    public required TrainingPrecision Precision { get; init; }

    /// <summary>Hash of the teacher's weights; null without a teacher.</summary>
    public string? TeacherHash { get; init; }

    private int? VectorBits => _model.Device.type == DeviceType.CPU ? CpuVectors.Bits : null;

    private bool SavesCheckpoints => _options.Folder is not null && _options.Checkpoints;

    public TrainingResult ToTheEnd(IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        while (_asked is null && _step < _schedule.Steps) TakeStep(progress, cancellation);
        return Finish(_step < _schedule.Steps ? _asked!.Value : TrainingEnd.Completed, cancellation);
    }

    // One step with its evaluation, logs and checkpoint.
    private void TakeStep(IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        _ranks.Activity = $"step {_step + 1}";
        var rate = _schedule.RateAt(_step + 1);
        var start = _pace.Elapsed;
        var isLast = _step + 1 == _schedule.Steps;
        var result = _trainingStep.Run(_batches.Take(), rate, isLast ? null : _batches.ReadAhead);
        _pace.Add(start);
        _step++;
        _tokens += _recipe.TokensPerStep;
        (_loss, _heldOutHere, _recallHere) = (result.Loss, null, null);

        var spike = result.IsFinite && _spikes.Add(_step, result.Loss);
        if (spike) _spikeSteps++;
        var (last, savesHere) = (_step == _schedule.Steps, Due(_recipe.Training.CheckpointEvery) && SavesCheckpoints);
        if (result.IsFinite)
        {
            (_lossSum, _lossCount) = (_lossSum + result.Loss, _lossCount + 1);
            if (Probe is { } probe && (last || Due(_recipe.Training.Probes!.Every)))
                _recall = _recallHere = probe.Of(_model);
            if (last || savesHere || _recallHere is not null || Due(_recipe.Training.EvalEvery)) Evaluate(cancellation);
        }
        var logFailure = Log(result, rate, spike);
        progress?.Report(new TrainingProgress(_step, _schedule.Steps, _tokens, result.Loss, _heldOut, rate,
            _pace.RecentTokensPerSecond,
            ShareOfPeak(_pace.RecentTokensPerSecond), _pace.TimeFor(_schedule.Steps - _step)));
        Vote(logFailure, cancellation);
        RequireHealth(result, rate);
        if (savesHere && !last && _asked != TrainingEnd.Interrupted) Save();
    }

    // What one rank is asked or meets, all do: stop, end in time, or save because the log cannot be written.
    private void Vote(CrossheadException? logFailure, CancellationToken cancellation)
    {
        var votes = _ranks.AllGather(new StepVote(cancellation.IsCancellationRequested,
            _options.TimeLimit is { } limit && _pace.Elapsed >= limit, logFailure is not null));
        if (votes.Any(v => v.Stop)) _asked = TrainingEnd.Interrupted;
        else if (votes.Any(v => v.TimeIsUp)) _asked ??= TrainingEnd.TimeLimit;
        if (Array.FindIndex(votes, v => v.LogFailed) is var failed && failed < 0) return;
        var saved = SavesCheckpoints ? Saved() : null;
        var told = _ranks.Broadcast($"{logFailure?.Message} {saved}".TrimEnd(), failed);
        throw logFailure is null ? new CrossheadException(told) : new CrossheadException(told, logFailure);
    }

    private TrainingResult Finish(TrainingEnd end, CancellationToken cancellation)
    {
        if (end == TrainingEnd.TimeLimit && _heldOutHere is null) Evaluate(cancellation);
        var checkpoint = !SavesCheckpoints ? null : _savedStep == _step ? _checkpoints?.Newest : Save();
        string? model = null;
        if (_options.Folder is { } folder && end != TrainingEnd.Interrupted)
        {
            model = _together.Lead(_optimizer, () =>
            {
                var state = State();
                Checkpoint.SaveModel(folder, _trainingStep, state, _data, Companions);
                RunCard.Of(state, _model.Options, _options).Save(folder);
                return folder;
            });
        }
        return new TrainingResult(end, _step, _tokens, _loss, _heldOut, _bestHeldOut, _pace.TokensPerSecond,
            _spikeSteps, checkpoint, model)
        {
            Precision = Precision,
            Recall = _recall,
            VectorBits = VectorBits,
        };
    }

    private void Evaluate(CancellationToken cancellation)
    {
        (_heldOutHere, var cancelled) = HeldOut.Of(_model, _data, _recipe.Training.EvalBatches, _ranks, cancellation);
        if (cancelled)
        {
            _asked = TrainingEnd.Interrupted;
            return;
        }
        _heldOut = _heldOutHere;
        if (_heldOut is { } loss && !(_bestHeldOut <= loss)) _bestHeldOut = loss;
        _options.OnEvaluation?.Invoke(
            new CurvePoint(_step, _tokens, _lossSum / Math.Max(1, _lossCount), _heldOut, _pace.Mark(), _pace.Elapsed)
            {
                Recall = _recallHere,
            });
        (_lossSum, _lossCount) = (0, 0);
    }

    // The checkpoint's folder; null on other ranks than 0.
    private string? Save()
    {
        var state = State();
        var folder = _together.Lead(_optimizer, () =>
        {
            var written = _checkpoints!.Write(_step,
                aside => Checkpoint.Write(aside, _trainingStep, state, _data, Companions));
            // During a spike the checkpoint from before it may still be needed.
            if (!_spikes.InSpike) _checkpoints.Prune(_recipe.Training.KeepLast, _recipe.Training.KeepBest);
            return written;
        });
        _savedStep = _step;
        return folder;
    }

    private CheckpointState State() => new()
    {
        Step = _step,
        Tokens = _tokens,
        Position = _batches.Position,
        HeldOutLoss = _heldOutHere,
        BestHeldOutLoss = _bestHeldOut,
        Spike = _spikes.State,
        Spikes = _spikeSteps,
        Recipe = _recipe,
        RecipeHash = Checkpoint.HashOf(_recipe),
        DataHash = _data.Hash,
        TokenizerHash = _data.TokenizerHash,
        PrecisionReason = Precision.Reason,
        VectorBits = VectorBits,
        TeacherHash = TeacherHash,
        Version = Checkpoint.Version,
    };

    // Why the step could not be logged; null if it was.
    private CrossheadException? Log(StepResult result, double rate, bool spike)
    {
        var record = new TrainingStepRecord
        {
            Step = _step,
            Tokens = _tokens,
            Loss = result.Loss,
            HeldOutLoss = _heldOutHere,
            Recall = _recallHere,
            LearningRate = rate,
            GradientNorm = result.GradientNorm,
            TokensPerSecond = _pace.LastTokensPerSecond,
            Dtype = Precision.Dtype,
            ShareOfPeak = ShareOfPeak(_pace.LastTokensPerSecond),
            SecondsLeft = _pace.TimeFor(_schedule.Steps - _step).TotalSeconds,
            Spike = spike,
            Time = DateTimeOffset.UtcNow,
        };
        try
        {
            foreach (var log in _ownLogs.Concat(_options.Logs)) log.Write(record);
            return null;
        }
        catch (CrossheadException e)
        {
            return e;
        }
    }

    // A run whose log cannot be written stops, but loses nothing if there is room for a checkpoint.
    private string Saved()
    {
        try
        {
            return $"The run stopped at step {_step} and is saved in {Save()}; {MessageTerm.Resume} goes "
                + $"on from there.";
        }
        catch (CrossheadException e)
        {
            return $"The run stopped at step {_step}: {e.Message}";
        }
    }

    private void RequireHealth(StepResult result, double rate)
    {
        var finite = result.IsFinite && double.IsFinite(_heldOutHere ?? 0);
        if (finite && !_spikes.Unrecovered(_step)) return;
        var what = finite
            ? $"the loss has been above {_spikes.Threshold:0.####} since step {_spikes.State.Began} without recovering "
            + $"(training.spike.patience = {_recipe.Training.Spike.Patience} steps)"
            : result.IsFinite ? $"the held-out loss ({_heldOutHere}) is not finite"
            : NotFinite(result);
        var back = _checkpoints?.Before(_spikes.State.Began ?? _step) is { } folder
            ? $"go back with {MessageTerm.From} {folder} and a lower training.learningRate, in a new folder"
            : "there is no checkpoint from before it; start again with a lower training.learningRate";
        throw new TrainingDivergedException(_step,
            $"loss {result.Loss:0.####}, gradient norm {result.GradientNorm:0.####}, learning rate "
                + $"{rate:0.###e+0}: {what}", _ranks.Broadcast(back, 0)); // rank 0 knows the folder
    }

    private string NotFinite(StepResult result)
    {
        if (result.FailedMicroBatch is not { } batch) return "the gradient is not finite";
        var rank = _ranks.Ranks == 1 ? "" : $" (rank {batch % _ranks.Ranks} of {_ranks.Ranks})";
        return $"the {(double.IsFinite(result.Loss) ? "gradient" : "loss")} of micro-batch {batch + 1} of "
            + $"{_recipe.Training.GradientAccumulation}{rank} is not finite";
    }

    private double? ShareOfPeak(double tokensPerSecond) => tokensPerSecond * _flopsPerToken / _peak;

    private bool Due(int every) => every > 0 && _step % every == 0;

    public void Dispose()
    {
        _batches.Dispose();
        foreach (var log in _ownLogs) log.Dispose();
    }
}
