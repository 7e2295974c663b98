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

/// <summary>Times, trains and samples every training run of the demo.</summary>
internal sealed class DemoTraining(DemoOptions options, DemoData data, CommandOutput output)
{
    // Enough steps to include other work of the machine, but no more than a few seconds of steps.
    private const int TimedSteps = 40, LeastTimedSteps = 3;
    private static readonly TimeSpan s_leastTiming = TimeSpan.FromSeconds(1), s_mostTiming = TimeSpan.FromSeconds(3);
    private const double TimingShare = 0.01;
    private const int SampleTokens = 90;

    /// <summary>
    /// Measures the seconds per step of a recipe, including delays by other work on the machine. The result is the mean
    /// of several steps without the first, which is slow; infinity if no step was timed.
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
    /// Trains a run and samples from its model. If training diverges, the error is shown and the run counts as
    /// diverged.
    /// </summary>
    /// <param name="run">The run.</param>
    /// <param name="folder">Subfolder of the demo's folder that holds the run's folder.</param>
    /// <param name="from">Model directory that the run starts from; null for random weights.</param>
    /// <param name="timeLimit">Time after which training ends.</param>
    /// <param name="screen">Where the run is shown.</param>
    /// <param name="cancellation">Stops training.</param>
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

    /// <summary>Deletes a folder within the demo's folder, if the folder exists, and returns its path.</summary>
    public string Emptied(string name)
    {
        var folder = Path.Combine(options.Folder, name);
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        return folder;
    }

    /// <summary>Text that a model writes after the demo's prompt, with the same seed for all models.</summary>
    public ReportSample Sample(string folder)
    {
        using var model = TextModel.Load(folder, ScalarType.BFloat16);
        var written = model.Generate(data.Prompt, new GenerationOptions
        {
            MaxTokens = Math.Min(SampleTokens,
                model.Options.Context - model.Tokenizer.Encode(data.Prompt).Length - 1),
            Sampling = new SamplingOptions { Temperature = 0.7, TopP = 0.95, Seed = 1 },
        });
        return new ReportSample(data.Prompt, written.Text);
    }
}
