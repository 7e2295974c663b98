using System.Diagnostics;
using Crosshead.Attention;
using Crosshead.Cli.Doctor;
using Crosshead.Cli.Terminal;
using Crosshead.Reports;
using Crosshead.Reports.Pages;
using Crosshead.Runtime;
using Crosshead.Training.Recipes;
using Crosshead.Training.Studies;

namespace Crosshead.Cli.Demo;

/// <summary>
/// The work of the demo. Runs are trained one after another; their length follows from the machine's speed. The best
/// runs are then compressed to half the cache. A report is written after each run and each compression.
/// </summary>
internal sealed class DemoSession
{
    // Above this multiple of the requested time the demo reports that it took longer.
    private const double MostOverrun = 1.2;

    private readonly DemoOptions _options;
    private readonly DemoData _data;
    private readonly CommandOutput _output;
    private readonly Stopwatch _clock;
    private readonly DemoScreen _screen;
    private readonly DemoTraining _training;
    private readonly List<DemoRun> _runs;
    private readonly List<CompressedRun> _compressed = [];
    private readonly List<string> _notes = [];

    /// <summary>Plans the runs.</summary>
    /// <param name="options">Options of the demo.</param>
    /// <param name="data">The prepared data.</param>
    /// <param name="output">Where progress goes.</param>
    /// <param name="clock">Clock that runs since the demo began.</param>
    public DemoSession(DemoOptions options, DemoData data, CommandOutput output, Stopwatch clock)
    {
        (_options, _data, _output, _clock) = (options, data, output, clock);
        var recipes = DemoPlan.Recipes(data.Folder, data.Tokenizer.VocabularySize);
        // One precision for all runs, so that they can be compared.
        Precision = TrainingPrecision.Of(recipes[0], ComputeDevice.Parse(recipes[0].Training.Device));
        output.Message($"{Precision}");
        _runs = [.. recipes.Select(r => new DemoRun(Precision.In(r)))];
        _screen = new DemoScreen(output.Terminal, _runs);
        _training = new DemoTraining(options, data, output);
    }

    /// <summary>All runs, including those that have not begun.</summary>
    public IReadOnlyList<DemoRun> Runs => _runs;

    /// <summary>The precision that all runs train in.</summary>
    public TrainingPrecision Precision { get; }

    /// <summary>Path of the report.</summary>
    public string ReportPath => Path.Combine(_options.Folder, "report.html");

    private TimeSpan Asked => TimeSpan.FromMinutes(_options.Minutes);

    private string AskedInWords =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{_options.Minutes:0.##} min");

    private TimeSpan Left => Asked - _clock.Elapsed;

    /// <summary>Trains, samples, compresses and reports until all is done or cancellation is requested.</summary>
    public void Run(CancellationToken cancellation)
    {
        WriteReport(); // so that there is one whenever it is interrupted
        Plan(cancellation);
        if (!cancellation.IsCancellationRequested) _screen.Show(() => Train(cancellation));
        Compress(cancellation);
        if (!cancellation.IsCancellationRequested && _clock.Elapsed > Asked * MostOverrun)
            _notes.Add($"The demo took {Quantity.Time(_clock.Elapsed)}, longer than the {AskedInWords} asked for, as "
                + $"the machine was slow or busy.");
        WriteReport();
    }

    /// <summary>The report on the results so far.</summary>
    public ComparisonReport Report() => new()
    {
        Title = "Attention variants compared",
        Created = DateTimeOffset.Now,
        Runs = [.. Runs.Select(r => r.ToReport())],
        Compressed = [.. _compressed],
        Notes = [.. _notes],
        Provenance = new ReportProvenance
        {
            Command = _options.Command,
            Recipe = Runs[0].Recipe.ToJson(),
            Facts =
            [
                new("Data", _data.Description),
                new("Tokenizer",
                    $"byte-level BPE, {_data.Tokenizer.VocabularySize} tokens, sha256 {_data.Tokenizer.Sha256[..12]}"),
                new("Each run", $"{Runs[0].Recipe.TotalSteps} steps of {Runs[0].Recipe.TokensPerStep} tokens; the "
                    + $"length follows from the machine's speed and --minutes"),
                new("Precision", $"{Precision}"),
                new("Seed", $"{Runs[0].Recipe.Training.Seed}, the same weights and order of data for every run"),
                ProvenanceFacts.Machine,
                ProvenanceFacts.Program,
            ],
        },
    };

    // Times the variants now. Every run gets the same number of steps, and so the same data: as many as all runs can
    // take in the time left.
    private void Plan(CancellationToken cancellation)
    {
        using var progress = _output.Progress("timing the variants", "variants");
        var round = 0.0; // seconds of a step of every variant
        foreach (var group in Runs.GroupBy(r => r.Recipe.Model.Attention.Variant))
        {
            round += _training.StepSeconds(group.First().Recipe, from: null, cancellation);
            if (cancellation.IsCancellationRequested) return;
        }
        var plan = DemoSchedule.Of(round, Left);
        var rates = DemoPlan.LearningRates.Take(plan.Rates).ToArray();
        _runs.RemoveAll(r => !rates.Contains(r.Recipe.Training.LearningRate));
        foreach (var run in Runs) run.Recipe = DemoPlan.WithSteps(run.Recipe, plan.Steps);
        progress.Say($"a step takes {round / Runs.Count * plan.Rates * 1e3:0} ms here and now: {Runs.Count} runs of "
            + $"{plan.Steps} steps, about {AskedInWords} in all");
        if (!plan.Compares)
        {
            var needed = TimeSpan.FromMinutes(Math.Ceiling((_clock.Elapsed + DemoSchedule.Needed(round)).TotalMinutes));
            _notes.Add($"This machine is too slow, or too busy, for a comparison within {AskedInWords}: at the speed "
                + $"measured {ComparisonVerdict.LeastSteps} steps a run take about {needed.TotalMinutes:0} min in all; "
                + $"use --minutes {needed.TotalMinutes:0}.");
        }
        else if (plan.Rates < DemoPlan.LearningRates.Count)
            _notes.Add($"At the speed measured there was time for one learning rate, {ReportNumbers.Rate(rates[0])}; "
                + $"another may suit a variant better.");
        foreach (var note in _notes) progress.Say(note);
    }

    // Trains one learning rate after another, so that the runs done so far can be compared. The next rate begins only
    // if all of its runs can end in time.
    private void Train(CancellationToken cancellation)
    {
        var lastRate = TimeSpan.Zero;
        foreach (var group in Runs.GroupBy(r => r.Recipe.Training.LearningRate).Select(g => g.ToArray()).ToArray())
        {
            if (cancellation.IsCancellationRequested) return;
            if (lastRate > TimeSpan.Zero && !DemoSchedule.HasRoom(lastRate, Left))
            {
                _runs.RemoveAll(group.Contains);
                _notes.Add($"Learning rate {ReportNumbers.Rate(group[0].Recipe.Training.LearningRate)} was left out: "
                    + $"the runs before it took {Quantity.Time(lastRate)}, and "
                    + $"{Quantity.Time(Max(Left, TimeSpan.Zero))} were left.");
                continue;
            }
            var began = _clock.Elapsed;
            for (var i = 0; i < group.Length && !cancellation.IsCancellationRequested; i++)
            {
                _training.Run(group[i], "runs", from: null, Max(Left / (group.Length - i), TimeSpan.Zero),
                    _screen, cancellation);
                WriteReport();
            }
            lastRate = _clock.Elapsed - began;
        }
    }

    // Compresses the best run of MEA and of plain attention; both share the time left.
    private void Compress(CancellationToken cancellation)
    {
        DemoRun[] best = [.. DemoPlan.CompressedVariants.Select(Best).OfType<DemoRun>()];
        for (var i = 0; i < best.Length && !cancellation.IsCancellationRequested; i++)
        {
            var time = Min(Left, DemoSchedule.MostCompression) / (best.Length - i);
            var compression = new DemoCompression(_options, _data, _training, _output, best[i], time);
            compression.Run(cancellation);
            _compressed.Add(compression.Outcome);
            WriteReport();
        }
    }

    // The run that the comparison uses for the variant. Without such a run: the run with the most tokens,
    // then the one with the lowest loss.
    private DemoRun? Best(AttentionVariant variant)
    {
        var judged = new ComparisonStandings(Report()).Best.Select(b => b.Run)
            .FirstOrDefault(r => r.Variant == variant.NameOf());
        return Runs.Where(r => r.Recipe.Model.Attention.Variant == variant && r.Status is RunStatus.Finished
            or RunStatus.Interrupted && r.Result is { Model: not null, HeldOutLoss: not null })
            .OrderByDescending(r => r.Recipe.Training.LearningRate == judged?.LearningRate)
            .ThenByDescending(r => r.Result!.Tokens).ThenBy(r => r.Result!.HeldOutLoss).FirstOrDefault();
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private void WriteReport() => ComparisonPage.Write(Report(), ReportPath);
}
