using System.Diagnostics;
using Crosshead.Cli.Terminal;
using Crosshead.Generation;
using Crosshead.Reports.Pages;
using Crosshead.TextModels;
using Crosshead.Training.Recipes;
using Crosshead.Training.Runs;
using Crosshead.Training.Studies;
using static TorchSharp.torch;

namespace Crosshead.Cli.Demo;

/// <summary>What every training run of the demo has in common: how it is timed, run and sampled.</summary>
internal sealed class DemoTraining(DemoOptions options, DemoData data, CommandOutput output)
{
    // Enough to meet what else the machine does now and then, but no more than a few seconds of it.
    private const int TimedSteps = 40, LeastTimedSteps = 3;
    private static readonly TimeSpan s_leastTiming = TimeSpan.FromSeconds(1), s_mostTiming = TimeSpan.FromSeconds(3);
    private const double TimingShare = 0.01;
    private const int SampleTokens = 90;

    /// <summary>
    /// Seconds that a step of a recipe takes here and now, other work on the machine included: the mean of some, the
    /// first, which is slow for reasons of its own, left out.
    /// </summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="from">Model directory that the run starts from; null for random weights.</param>
    /// <param name="cancellation">Ends the timing early.</param>
    public double StepSeconds(Recipe recipe, string? from, CancellationToken cancellation)
    {
        var timed = recipe with
        {
            Training = recipe.Training with
            {
                Steps = TimedSteps,
                EvalEvery = 0,
                EvalBatches = 1,
                Schedule = recipe.Training.Schedule with { WarmupSteps = 0 },
            },
        };
        var time = TimeSpan.FromMinutes(options.Minutes) * TimingShare;
        time = time < s_leastTiming ? s_leastTiming : time > s_mostTiming ? s_mostTiming : time;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var (clock, steps) = (new Stopwatch(), new List<double>());
        new Trainer(timed, new RunOptions { From = from, PeakFlops = 1 })
            .Run(new ImmediateProgress<TrainingProgress>(_ =>
            {
                if (clock.IsRunning) steps.Add(clock.Elapsed.TotalSeconds);
                clock.Restart();
                if (steps.Count >= LeastTimedSteps && steps.Sum() >= time.TotalSeconds) enough.Cancel();
            }), enough.Token);
        return steps.Count > 0 ? steps.Average() : double.PositiveInfinity;
    }

    /// <summary>
    /// Trains a run and samples from what comes of it; a run that breaks down is told and called diverged.
    /// </summary>
    /// <param name="run">The run.</param>
    /// <param name="folder">Name of its folder within the demo's.</param>
    /// <param name="from">Model directory that it starts from; null for random weights.</param>
    /// <param name="timeLimit">Time after which it ends.</param>
    /// <param name="screen">Where it is shown.</param>
    /// <param name="cancellation">Asks to stop.</param>
    public void Run(DemoRun run, string folder, string? from, TimeSpan timeLimit, DemoScreen screen,
        CancellationToken cancellation)
    {
        var trainer = new Trainer(run.Recipe, new RunOptions
        {
            Folder = Emptied(Path.Combine(folder, run.Name)),
            From = from,
            Checkpoints = false,
            TimeLimit = timeLimit,
            OnEvaluation = evaluation =>
            {
                run.Add(evaluation);
                screen.Evaluated(run);
            },
        });
        try
        {
            run.Result = trainer.Run(new ImmediateProgress<TrainingProgress>(progress =>
            {
                run.Progress = progress;
                screen.Stepped();
            }), cancellation);
            run.Status = run.Result.End == TrainingEnd.Completed ? RunStatus.Finished : RunStatus.Interrupted;
        }
        catch (TrainingDivergedException e)
        {
            output.Message(e.Message);
            run.Status = RunStatus.Diverged;
        }
        if (run.Result?.Model is { } model) run.Sample = Sample(model);
        screen.Ended(run);
    }

    /// <summary>A folder within the demo's, without what an earlier demo left there.</summary>
    public string Emptied(string name)
    {
        var folder = Path.Combine(options.Folder, name);
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        return folder;
    }

    /// <summary>What a model writes after the demo's prompt; the same seed for all.</summary>
    public ReportSample Sample(string folder)
    {
        using var model = TextModel.Load(folder, ScalarType.BFloat16);
        var written = model.Generate(data.Prompt, new GenerationOptions
        {
            MaxTokens = Math.Min(SampleTokens,
                model.Model.Options.Context - model.Tokenizer.Encode(data.Prompt).Length - 1),
            Sampling = new SamplingOptions { Temperature = 0.7, TopP = 0.95, Seed = 1 },
        });
        return new ReportSample(data.Prompt, written.Text);
    }
}
