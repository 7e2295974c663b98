using System.Diagnostics;
using Crosshead.Attention;
using Crosshead.Reports;
using Crosshead.Runtime;
using Crosshead.Training;

namespace Crosshead.Cli.Demo;

/// <summary>The demo's work: runs a machine's speed decides the length of, one after another, then the best of them with half the cache; a report after each.</summary>
internal sealed class DemoSession
{
    // Of the time that is left when training begins: for evaluations, checkpoints, samples, and a machine that slows down.
    private const double Reserve = 0.18;

    // Of the time that is left when training begins, what halving caches and recovery may take; recovery for more than a minute or two gains little.
    private const double CompressionShare = 0.45;
    private static readonly TimeSpan MostCompression = TimeSpan.FromMinutes(4);

    private readonly DemoOptions _options;
    private readonly DemoData _data;
    private readonly CommandOutput _output;
    private readonly Stopwatch _clock;
    private readonly DemoScreen _screen;
    private readonly DemoTraining _training;
    private readonly List<CompressedRun> _compressed = [];

    /// <summary>Plans the runs.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="data">The prepared data.</param>
    /// <param name="output">Where progress goes.</param>
    /// <param name="clock">Running since the demo began.</param>
    public DemoSession(DemoOptions options, DemoData data, CommandOutput output, Stopwatch clock)
    {
        (_options, _data, _output, _clock) = (options, data, output, clock);
        var recipes = DemoPlan.Recipes(data.Folder, data.Tokenizer.VocabularySize);
        // One precision for all runs, so that they compare.
        Precision = TrainingPrecision.Of(recipes[0], ComputeDevice.Parse(recipes[0].Training.Device));
        output.Message($"{Precision}");
        Runs = [.. recipes.Select(r => new DemoRun(Precision.In(r)))];
        _screen = new DemoScreen(output.Terminal, Runs);
        _training = new DemoTraining(options, data, output);
    }

    /// <summary>All runs, those that did not begin included.</summary>
    public IReadOnlyList<DemoRun> Runs { get; }

    /// <summary>The precision that all runs train in.</summary>
    public TrainingPrecision Precision { get; }

    /// <summary>Where the report is.</summary>
    public string ReportPath => Path.Combine(_options.Folder, "report.html");

    private TimeSpan Left => TimeSpan.FromMinutes(_options.Minutes) - _clock.Elapsed;

    /// <summary>Trains, samples, compresses and reports until all is done or it is asked to stop.</summary>
    public void Run(CancellationToken cancel)
    {
        WriteReport(); // so that there is one whenever it is interrupted
        var reserved = Min(Left * CompressionShare, MostCompression);
        SetLengths(Left - reserved, cancel);
        _screen.Show(() =>
        {
            for (var i = 0; i < Runs.Count && !cancel.IsCancellationRequested; i++)
            {
                var limit = Max((Left - reserved) * (1 - (Reserve / 3)) / (Runs.Count - i) * 1.6, TimeSpan.Zero);
                _training.Run(Runs[i], "runs", from: null, limit, _screen, cancel);
                WriteReport();
            }
        });
        Compress(cancel);
        WriteReport();
    }

    /// <summary>The report as it stands.</summary>
    public ComparisonReport Report() => new()
    {
        Title = "Attention variants compared",
        Created = DateTimeOffset.Now,
        Runs = [.. Runs.Select(r => r.ToReport())],
        Compressed = [.. _compressed],
        Provenance = new ReportProvenance
        {
            Command = _options.Command,
            Recipe = Runs[0].Recipe.ToJson(),
            Facts =
            [
                new("Data", _data.Description),
                new("Tokenizer", $"byte-level BPE, {_data.Tokenizer.VocabularySize} tokens, sha256 {_data.Tokenizer.Sha256[..12]}"),
                new("Each run", $"{Runs[0].Recipe.TotalSteps} steps of {Runs[0].Recipe.TokensPerStep} tokens; the length follows from the machine's speed and --minutes"),
                new("Precision", $"{Precision}"),
                new("Seed", $"{Runs[0].Recipe.Training.Seed}, the same weights and order of data for every run"),
                new("Machine", $"{Environment.ProcessorCount} processors, {System.Runtime.InteropServices.RuntimeInformation.OSDescription}"),
                new("Crosshead", ProductVersion),
            ],
        },
    };

    private static string ProductVersion =>
        System.Reflection.CustomAttributeExtensions.GetCustomAttribute<System.Reflection.AssemblyInformationalVersionAttribute>(typeof(Recipe).Assembly)?.InformationalVersion ?? "unknown";

    // Every run gets as many steps as all of them can take in the time there is: equal data for all.
    private void SetLengths(TimeSpan time, CancellationToken cancel)
    {
        using var progress = _output.Progress("timing the variants", "variants");
        var (clock, seconds) = (Stopwatch.StartNew(), 0.0);
        foreach (var group in Runs.GroupBy(r => r.Recipe.Model.Attention.Variant))
        {
            seconds += DemoTraining.StepSeconds(group.First().Recipe, from: null, cancel) * group.Count();
            if (cancel.IsCancellationRequested) return;
        }
        var steps = Math.Max(20, (long)((time - clock.Elapsed).TotalSeconds * (1 - Reserve) / seconds));
        foreach (var run in Runs) run.Recipe = DemoPlan.WithSteps(run.Recipe, steps);
    }

    // The best run of MEA and of plain attention, each in its share of the time that is left.
    private void Compress(CancellationToken cancel)
    {
        DemoRun[] best = [.. DemoPlan.CompressedVariants.Select(Best).OfType<DemoRun>()];
        for (var i = 0; i < best.Length && !cancel.IsCancellationRequested; i++)
        {
            var time = Min(Left, MostCompression) / (best.Length - i);
            var compression = new DemoCompression(_options, _data, _training, _output, best[i], time);
            compression.Run(cancel);
            _compressed.Add(compression.Outcome);
            WriteReport();
        }
    }

    private DemoRun? Best(AttentionVariant variant) => Runs
        .Where(r => r.Recipe.Model.Attention.Variant == variant && r.Status is RunStatus.Finished or RunStatus.Stopped && r.Result is { Model: not null, HeldOutLoss: not null })
        .MinBy(r => r.Result!.HeldOutLoss);

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private void WriteReport() => ComparisonPage.Write(Report(), ReportPath);
}
