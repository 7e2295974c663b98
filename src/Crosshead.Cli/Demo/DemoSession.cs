using System.Diagnostics;
using Crosshead.Checkpoints;
using Crosshead.Generation;
using Crosshead.Reports;
using Crosshead.Training;
using static TorchSharp.torch;

namespace Crosshead.Cli.Demo;

/// <summary>The demo's work: runs a machine's speed decides the length of, one after another, a report after each.</summary>
internal sealed class DemoSession
{
    // Of the time that is left when training begins: for evaluations, checkpoints, samples, and a machine that slows down.
    private const double Reserve = 0.18;
    private const int TimedSteps = 6;
    private const int SampleTokens = 90;

    private readonly DemoOptions _options;
    private readonly DemoData _data;
    private readonly CommandOutput _output;
    private readonly Stopwatch _clock;
    private readonly DemoScreen _screen;

    /// <summary>Plans the runs.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="data">The prepared data.</param>
    /// <param name="output">Where progress goes.</param>
    /// <param name="clock">Running since the demo began.</param>
    public DemoSession(DemoOptions options, DemoData data, CommandOutput output, Stopwatch clock)
    {
        (_options, _data, _output, _clock) = (options, data, output, clock);
        Runs = [.. DemoPlan.Recipes(data.Folder, data.Tokenizer.VocabularySize).Select(r => new DemoRun(r))];
        _screen = new DemoScreen(output.Terminal, Runs);
    }

    /// <summary>All runs, those that did not begin included.</summary>
    public IReadOnlyList<DemoRun> Runs { get; }

    /// <summary>Where the report is.</summary>
    public string ReportPath => Path.Combine(_options.Folder, "report.html");

    private TimeSpan Left => TimeSpan.FromMinutes(_options.Minutes) - _clock.Elapsed;

    /// <summary>Trains, samples and reports until all is done or it is asked to stop.</summary>
    public void Run(CancellationToken cancel)
    {
        WriteReport(); // so that there is one whenever it is interrupted
        SetLengths(cancel);
        _screen.Show(() =>
        {
            for (var i = 0; i < Runs.Count && !cancel.IsCancellationRequested; i++)
            {
                Train(Runs[i], timeLimit: Left * (1 - (Reserve / 3)) / (Runs.Count - i) * 1.6, cancel);
                WriteReport();
            }
        });
        WriteReport();
    }

    /// <summary>The report as it stands.</summary>
    public ComparisonReport Report() => new()
    {
        Title = "Attention variants compared",
        Created = DateTimeOffset.Now,
        Runs = [.. Runs.Select(r => r.ToReport())],
        Provenance = new ReportProvenance
        {
            Command = _options.Command,
            Recipe = Runs[0].Recipe.ToJson(),
            Facts =
            [
                new("Data", _data.Description),
                new("Tokenizer", $"byte-level BPE, {_data.Tokenizer.VocabularySize} tokens, sha256 {_data.Tokenizer.Sha256[..12]}"),
                new("Each run", $"{Runs[0].Recipe.TotalSteps} steps of {Runs[0].Recipe.TokensPerStep} tokens; the length follows from the machine's speed and --minutes"),
                new("Seed", $"{Runs[0].Recipe.Training.Seed}, the same weights and order of data for every run"),
                new("Machine", $"{Environment.ProcessorCount} processors, {System.Runtime.InteropServices.RuntimeInformation.OSDescription}"),
                new("Crosshead", ProductVersion),
            ],
        },
    };

    private static string ProductVersion =>
        System.Reflection.CustomAttributeExtensions.GetCustomAttribute<System.Reflection.AssemblyInformationalVersionAttribute>(typeof(Recipe).Assembly)?.InformationalVersion ?? "unknown";

    // Every run gets as many steps as all of them can take in the time there is: equal data for all.
    private void SetLengths(CancellationToken cancel)
    {
        using var progress = _output.Progress("timing the variants", "variants");
        var seconds = 0.0;
        var distinct = Runs.GroupBy(r => r.Recipe.Model.Attention.Variant).ToArray();
        foreach (var group in distinct)
        {
            if (cancel.IsCancellationRequested) return;
            var recipe = group.First().Recipe;
            var timed = new Trainer(recipe with { Training = recipe.Training with { Steps = TimedSteps, EvalEvery = 0, EvalBatches = 1, Schedule = recipe.Training.Schedule with { WarmupSteps = 0 } } }).Run(cancellation: cancel);
            seconds += recipe.TokensPerStep / timed.TokensPerSecond * group.Count();
        }
        var steps = Math.Max(20, (long)(Left.TotalSeconds * (1 - Reserve) / seconds));
        foreach (var run in Runs) run.Recipe = DemoPlan.WithSteps(run.Recipe, steps);
    }

    private void Train(DemoRun run, TimeSpan timeLimit, CancellationToken cancel)
    {
        var folder = Path.Combine(_options.Folder, "runs", run.Name);
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true); // an earlier demo's
        var trainer = new Trainer(run.Recipe, new RunOptions
        {
            Folder = folder,
            Checkpoints = false,
            TimeLimit = timeLimit,
            OnEvaluation = evaluation =>
            {
                run.Add(evaluation);
                _screen.Evaluated(run);
            },
        });
        try
        {
            run.Result = trainer.Run(new Reporter(run, _screen), cancel);
            run.Status = run.Result.End == TrainingEnd.Completed ? RunStatus.Finished : RunStatus.Stopped;
        }
        catch (CrossheadException e) when (e.Message.Contains("loss", StringComparison.Ordinal))
        {
            _output.Message(e.Message);
            run.Status = RunStatus.Diverged;
        }
        if (run.Result?.Model is { } model) run.Sample = Sample(model);
        _screen.Evaluated(run);
    }

    private ReportSample Sample(string folder)
    {
        using var model = ModelDirectory.Load(folder);
        model.Freeze(ScalarType.BFloat16);
        using var decoding = new Generation.Generator(model, new TokenizerCodec(_data.Tokenizer)).Start([_data.Prompt], new GenerationOptions
        {
            MaxTokens = Math.Min(SampleTokens, model.Options.Context - _data.Tokenizer.Encode(_data.Prompt).Length - 1),
            EndTokens = _data.Tokenizer.EosTokenId is { } end ? [end] : [],
            Sampling = new SamplingOptions { Temperature = 0.7, TopP = 0.95, Seed = 1 },
        });
        foreach (var _ in decoding.Tokens()) { }
        return new ReportSample(_data.Prompt, decoding.Sequences[0].Text);
    }

    private void WriteReport() => ComparisonPage.Write(Report(), ReportPath);

    // Progress<T> would report on another thread, after the fact.
    private sealed class Reporter(DemoRun run, DemoScreen screen) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            run.Progress = value;
            screen.Stepped();
        }
    }
}
