using Crosshead.Cli.Terminal;
using Crosshead.Data.Batches;
using Crosshead.Files;
using Crosshead.Training.Recipes;
using Crosshead.Training.Runs;
using Crosshead.Training.Studies;

namespace Crosshead.Cli.Sweep;

/// <summary>
/// Runs a grid of models, learning rates and seeds, several runs at a time, each in its own process.
/// </summary>
internal sealed class SweepSession
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    private readonly SweepOptions _options;
    private readonly VisibleGpus _gpus;

    /// <summary>Plans the runs; only <see cref="Run"/> writes files.</summary>
    /// <param name="options">Options of the sweep.</param>
    /// <exception cref="CrossheadException">The recipe, the data or the folder cannot be used.</exception>
    public SweepSession(SweepOptions options)
    {
        _options = options;
        Basis = Recipe.Load(options.Recipe, options.Overrides);
        _gpus = VisibleGpus.For(Basis.Training.Device);
        if (options.Constant) RequireCurves(Basis);
        RequireData(Basis);
        SweepFolder.Require(options.Folder, Basis, options.Overwrite);
        Runs = Grid();
    }

    /// <summary>
    /// The recipe that all runs are made from, in one precision for all runs. <see cref="Run"/> chooses the precision
    /// if the recipe leaves it open.
    /// </summary>
    public Recipe Basis { get; private set; }

    /// <summary>All runs of the grid.</summary>
    public IReadOnlyList<SweepRun> Runs { get; private set; }

    /// <summary>Measurements of the runs so far, ordered by model, learning rate and seed.</summary>
    public IReadOnlyList<StudyRun> Measured() =>
        [.. Runs.Select(r => r.Measured()).OrderBy(r => _options.Models.ToList()
            .FindIndex(m => m.Name == r.Variant)).ThenBy(r => r.LearningRate).ThenBy(r => r.Seed)];

    /// <summary>Trains the unfinished runs of the grid. On cancellation the runs in progress save and stop.</summary>
    /// <param name="ended">Called after the end of each run.</param>
    /// <param name="output">Where progress goes.</param>
    /// <param name="cancellation">Stops the sweep.</param>
    /// <exception cref="CrossheadException">Another sweep writes to the folder.</exception>
    public void Run(Action ended, CommandOutput output, CancellationToken cancellation)
    {
        using var held = FolderLock.Take(_options.Folder);
        Basis = SweepFolder.Open(_options.Folder, Basis, _options.Overwrite, output.Message);
        Runs = Grid();
        RequireFit(Runs, output);
        var waiting = new Queue<SweepRun>(Runs.Where(r => r.Pending));
        var skipped = Runs.Count - waiting.Count;
        using var progress = new SweepProgress(output, [.. waiting], skipped, Runs.Count);
        var running = new List<TrainProcess>();
        try
        {
            while (running.Count > 0 || (waiting.Count > 0 && !cancellation.IsCancellationRequested))
            {
                while (running.Count < _options.Parallel && waiting.Count > 0 && !cancellation.IsCancellationRequested)
                    running.Add(Start(waiting.Dequeue(), running));
                if (!cancellation.WaitHandle.WaitOne(s_pause)) progress.Show([.. running.Select(p => p.Run)]);
                else
                {
                    running.ForEach(p => p.Stop());
                    running.ForEach(p => _ = p.Ending());
                }
                foreach (var process in running.Where(p => p.HasExited).ToArray())
                {
                    running.Remove(process);
                    using (process) Note(process);
                    progress.Ended(process.Run);
                    progress.Add(Grow(waiting, output));
                    ended();
                }
            }
        }
        finally
        {
            running.ForEach(p => p.Dispose());
        }
    }

    /// <summary>Measures a decoding step of each model that has a chosen rate and was not measured.</summary>
    /// <param name="output">Where failures are told.</param>
    /// <param name="cancellation">Ends the measurement before the next model.</param>
    public void TimeDecoding(CommandOutput output, CancellationToken cancellation)
    {
        foreach (var choice in _options.Choose(Measured()).Where(c => c.LargestStable is not null))
        {
            var run = Runs.First(r => r.Model.Name == choice.Variant && r.Status == RunStatus.Finished
                && r.Recipe.Training.LearningRate == choice.LargestStable!.LearningRate);
            if (cancellation.IsCancellationRequested || DecodeTime.Of(run.Folder) is not null) continue;
            output.Message($"timing decoding of {choice.Variant}");
            if (DecodeTime.Measure(run) is { } failure)
                output.Message($"decoding of {choice.Variant} could not be timed: {failure}");
        }
    }

    // Small rates first, so that a sweep that stops early holds runs that can be compared.
    private IReadOnlyList<SweepRun> Grid()
    {
        var seeds = _options.Seeds.Count > 0 ? _options.Seeds : [Basis.Training.Seed];
        SweepRun[] RunsAt(double rate, IEnumerable<long> those, IEnumerable<StudyModel> models) =>
            [.. those.SelectMany(seed => models.Select(m => new SweepRun(_options, Basis, m, rate, seed)))];
        if (!_options.LaterSeedsAtBest)
            return [.. _options.Rates.Order().SelectMany(rate => RunsAt(rate, seeds, _options.Models))];
        var first = _options.Rates.Order().SelectMany(rate => RunsAt(rate, seeds.Take(1), _options.Models)).ToArray();
        var chosen = _options.Choose(first.GroupBy(r => r.Model).Where(runs => !runs.Any(r => r.Pending))
            .SelectMany(runs => runs.Select(r => r.Measured()))).Where(c => c.LargestStable is not null);
        return [.. first, .. chosen.SelectMany(c => RunsAt(c.LargestStable!.LearningRate, seeds.Skip(1),
            _options.Models.Where(m => m.Name == c.Variant)))];
    }

    // Runs whose rate is known only now.
    private SweepRun[] Grow(Queue<SweepRun> waiting, CommandOutput output)
    {
        if (!_options.LaterSeedsAtBest) return [];
        SweepRun[] added = [.. Grid().ExceptBy(Runs.Select(r => r.Name), r => r.Name)];
        RequireFit(added, output);
        Runs = [.. Runs, .. added];
        SweepRun[] pending = [.. added.Where(r => r.Pending)];
        foreach (var run in pending) waiting.Enqueue(run);
        return pending;
    }

    private static void RequireFit(IReadOnlyList<SweepRun> runs, CommandOutput output)
    {
        foreach (var run in runs) run.RequireSame();
        foreach (var unfit in runs.Where(r => r.Unfit is not null).GroupBy(r => r.Unfit))
            output.Message($"{string.Join(", ", unfit.Select(r => r.Name))} cannot be run: {unfit.Key}");
    }

    private TrainProcess Start(SweepRun run, IEnumerable<TrainProcess> beside)
    {
        run.Prepare();
        return TrainProcess.Start(run, _options.Parallel, _gpus.LeastBusy(beside.Select(p => p.Gpu)));
    }

    // Stores a failure, which the run's folder does not show by itself.
    private static void Note(TrainProcess process)
    {
        var (exitCode, error) = process.Ending();
        if (exitCode is ExitCode.Done or ExitCode.Interrupted) return;
        var told = exitCode is ExitCode.BadInput or ExitCode.Diverged && error.Length > 0;
        process.Run.Fail(exitCode == ExitCode.Diverged ? RunStatus.Diverged : RunStatus.Failed,
            told ? error : $"its process ended with exit code {exitCode}{(error.Length > 0 ? $": {error}" : "")}");
    }

    private static void RequireCurves(Recipe basis)
    {
        var evaluations = StudyRecipes.EvaluationsAfterWarmup(basis);
        if (evaluations >= PowerLawFit.LeastPoints) return;
        var left = basis.TotalSteps - basis.Training.Schedule.WarmupSteps;
        var remedy = left >= PowerLawFit.LeastPoints
            ? $"use --set training.evalEvery={Math.Max(1, left / (2 * PowerLawFit.LeastPoints))}"
            : $"use --set training.steps={basis.Training.Schedule.WarmupSteps + (2 * PowerLawFit.LeastPoints)} or more "
            + $"(now {basis.TotalSteps}, of which {basis.Training.Schedule.WarmupSteps} warm up) and --set "
            + $"training.evalEvery=1";
        throw new CrossheadException($"training.evalEvery ({basis.Training.EvalEvery}) gives {evaluations} evaluations "
            + $"in the {left} steps after the warm-up; a fit needs {PowerLawFit.LeastPoints} or more: {remedy}.");
    }

    // Checked once here, not in every run.
    private static void RequireData(Recipe basis)
    {
        Trainer.RequireData(basis);
        using var text = TokenDataset.Open(basis.Data.Folders.Count > 0 ? basis.Data.Folders[0] : basis.Data.Folder);
        text.EnsureCompatible(basis.Model.VocabularySize);
        if (text.HeldOut.Windows(basis.Context) == 0)
            throw new CrossheadException(
                $"{text.Name} holds {text.HeldOut.Tokens} held-out tokens, fewer than a sequence ({basis.Context} and "
                + $"one more): there would be no curve to compare; prepare the data with a larger --held-out.");
    }
}
