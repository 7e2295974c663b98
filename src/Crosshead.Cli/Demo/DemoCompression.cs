using System.Diagnostics;
using Crosshead.Attention;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Cli.Terminal;
using Crosshead.Compression;
using Crosshead.Compression.Jobs;
using Crosshead.Compression.Search;
using Crosshead.Data.Batches;
using Crosshead.Model;
using Crosshead.Reports;
using Crosshead.Runtime;
using Crosshead.TextModels;
using Crosshead.Training.Studies;

namespace Crosshead.Cli.Demo;

/// <summary>
/// Halves the cache of a trained model of the demo and recovers the model, within a time limit. The outcome says which
/// part did not fit into the time.
/// </summary>
internal sealed class DemoCompression
{
    // Windows of training text for the fits; they hold 64 tokens per value direction.
    private const int CalibrationWindows = 64;
    // Shares of a model's time: the most for the profile, and the part that recovery leaves for evaluations and
    // samples.
    private const double ProfileShare = 0.25, Reserve = 0.15;
    // Time to measure a piece, as a share of the time of the whole model. A measurement starts at the piece's own
    // layer, and several pieces are measured at once.
    private const double PieceShare = 0.5;
    // Windows that the profile measures on, and rounds around the plan: as many as fit into the time.
    private const int LeastWindows = 8, MostWindows = 64, MostRounds = 2;
    private const int LeastSteps = 10;
    // Compression is cancelled after this multiple of its time.
    private const double MostOverrun = 1.15;

    private readonly DemoOptions _options;
    private readonly DemoData _data;
    private readonly DemoTraining _training;
    private readonly CommandOutput _output;
    private readonly DemoRun _original;
    private readonly TimeSpan _time;
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    /// <summary>Prepares to compress the model of one run.</summary>
    /// <param name="options">Options of the demo.</param>
    /// <param name="data">The demo's data.</param>
    /// <param name="training">Trains and samples.</param>
    /// <param name="output">Where progress goes.</param>
    /// <param name="original">The run whose model is compressed.</param>
    /// <param name="time">Time limit for all of the work, from now.</param>
    public DemoCompression(DemoOptions options, DemoData data, DemoTraining training, CommandOutput output,
        DemoRun original, TimeSpan time)
    {
        (_options, _data, _training, _output, _original, _time) = (options, data, training, output, original, time);
        var attention = original.Recipe.Model.Attention;
        Outcome = new CompressedRun
        {
            Variant = attention.Variant.NameOf(),
            Name = attention.Variant.NameOf(),
            LearningRate = original.Recipe.Training.LearningRate,
            CacheBytesBefore = ModelCost.Of(original.Recipe.Model).CacheBytesPerToken(2),
            LossBefore = original.Result?.HeldOutLoss,
            SampleBefore = original.Sample,
        };
    }

    /// <summary>The outcome so far.</summary>
    public CompressedRun Outcome { get; private set; }

    private TimeSpan Left => _time - _clock.Elapsed;

    /// <summary>Does as much as time allows. The outcome records an interruption or an error.</summary>
    public void Run(CancellationToken cancellation)
    {
        // The plan follows from a measured speed, but the machine may become slower. This timer ends the work in any
        // case.
        using var time = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (Left > TimeSpan.Zero) time.CancelAfter(Left * MostOverrun);
        try
        {
            var compressed = Compress(time.Token);
            Outcome = Outcome with { SampleAfter = _training.Sample(compressed) };
            Recover(compressed, time.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            Outcome = Outcome with { Missing = NoTime(Outcome.LossAfter is null ? "halving the cache" : "recovery") };
        }
        catch (OperationCanceledException)
        {
            Outcome = Outcome with { Missing = "It was interrupted here." };
        }
        catch (CrossheadException e)
        {
            _output.Message(e.Message);
            Outcome = Outcome with { Missing = e.Message };
        }
    }

    // Compresses the model and returns the folder of the compressed model.
    private string Compress(CancellationToken cancellation)
    {
        Require(Left > TimeSpan.Zero, "halving the cache");
        var recipe = _original.Recipe;
        using var text = TokenDataset.Open(_data.Folder);
        var (batch, context) = (recipe.Training.Batch, recipe.Context);
        // The same windows as in the evaluations of the runs, so that all losses can be compared.
        var heldOut = Windows(text.HeldOut, [.. Enumerable.Range(0, (int)Math.Min(text.HeldOut.Windows(context),
            (long)recipe.Training.EvalBatches * batch)).Select(i => (long)i)], context);
        // The fits read the last token of a window too, so these windows are one token shorter.
        var seen = text.Train.Windows(context - 1);
        var windows = Windows(text.Train, [.. Enumerable.Range(0, (int)Math.Min(seen, CalibrationWindows))
            .Select(i => i * seen / Math.Min(seen, CalibrationWindows))], context - 1);

        var source = ModelSource.Open(_original.Result!.Model!);
        var options = new CompressionOptions
        {
            Share = DemoPlan.CacheShare,
            Compute = Precision.Parse(_original.Result!.Precision.Dtype),
            Windows = new WindowOptions { Batch = batch },
        };
        var windowSeconds = MeasureSvd(source, options, heldOut, cancellation);
        options = WithinTime(options, source.Options, windowSeconds);
        var folder = _training.Emptied(Path.Combine("compressed", _original.Name));
        using var progress = _output.Progress($"halving the cache of {_original.Name}", "pieces");
        var result = new CompressionJob(source, new CompressionText(windows, heldOut), options)
            .Run(folder, new ImmediateProgress<CompressionProgress>(p =>
            {
                if (p.Stage is CompressionStage.Profiling) progress.Report(p.Done, p.Total);
                else if (p.Stage is CompressionStage.Searching) progress.Report(p.Done);
            }), cancellation);
        Outcome = Outcome with
        {
            LossBefore = result.LossBefore,
            CacheBytesAfter = ModelCost.Of(result.Options).CacheBytesPerToken(2),
            LossAfter = result.LossAfter,
        };
        return folder;
    }

    // Measures the loss of the paper's method at the same share of the cache; returns seconds per window.
    private double MeasureSvd(ModelSource source, CompressionOptions options, TokenWindows heldOut,
        CancellationToken cancellation)
    {
        using var model = source.Load(options.Compute);
        using var svd = Compressor.Compress(model, CompressionPlan.Uniform(model.Options.Layers,
            LayerSelection.Parse(options.Layers, model.Options.Layers), DemoPlan.UniformHalf(model.Options)));
        // The first measurement is slow, so it is not timed.
        WindowLoss.Measure(svd, heldOut.AtMost(options.Windows.Batch), options.Windows.Batch, null, cancellation);
        var start = _clock.Elapsed;
        Outcome =
            Outcome with { LossSvd = WindowLoss.Measure(svd, heldOut, options.Windows.Batch, null, cancellation) };
        return (_clock.Elapsed - start).TotalSeconds / heldOut.Count;
    }

    // Windows as in training: context + 1 tokens each. Neighbouring windows share one token.
    private static TokenWindows Windows(TokenSplit split, IReadOnlyList<long> places, int context)
    {
        var ids = new long[places.Count * (context + 1)];
        for (var w = 0; w < places.Count; w++)
            split.Read(places[w] * context, ids.AsSpan(w * (context + 1), context + 1));
        return TokenWindows.Of(ids, context + 1);
    }

    // Chooses as many windows and rounds as there is time to measure.
    private CompressionOptions WithinTime(CompressionOptions options, ModelOptions model, double windowSeconds)
    {
        var pieces = Profiler.PiecesPerLayer(model, [options.Method]) * model.Layers;
        var budget = Math.Min(ProfileShare * _time.TotalSeconds, Left.TotalSeconds);
        int Fit(int rounds) =>
            (int)Math.Min(MostWindows, budget / (windowSeconds * PieceShare * pieces * (1 + rounds)));
        Require(Fit(0) >= LeastWindows, "a profile");
        var rounds = Enumerable.Range(0, MostRounds + 1).Last(r => Fit(r) >= LeastWindows);
        return options with { Rounds = rounds, SearchWindows = Fit(rounds) };
    }

    private void Recover(string compressed, CancellationToken cancellation)
    {
        var teacher = _original.Result!.Model!;
        var model = ModelConfig.Read(Path.Combine(compressed, ModelFileNames.Configuration));
        var recipe = DemoPlan.Recovery(_original.Recipe, model, teacher);
        // As many steps as fit into the time, but no more than the original training had.
        var seconds = _training.StepSeconds(recipe, compressed, cancellation);
        var steps = Math.Min(_original.Recipe.TotalSteps, (long)(Left.TotalSeconds * (1 - Reserve) / seconds));
        cancellation.ThrowIfCancellationRequested();
        Require(steps >= LeastSteps, "recovery");

        var run = new DemoRun(DemoPlan.WithSteps(recipe, steps));
        var screen = new DemoScreen(_output.Terminal, [run]);
        var start = _clock.Elapsed;
        screen.Show(() => _training.Run(run, "recovered", compressed, Left, screen, cancellation));
        cancellation.ThrowIfCancellationRequested();
        Outcome = Outcome with
        {
            LossRecovered = run.Status == RunStatus.Diverged ? double.NaN : run.Result?.HeldOutLoss,
            RecoveryTime = _clock.Elapsed - start,
            RecoveryTokens = run.Result?.Tokens ?? 0,
            SampleRecovered = run.Sample,
        };
    }

    private void Require(bool fits, string what)
    {
        if (!fits) throw new CrossheadException(NoTime(what));
    }

    private string NoTime(string what) => string.Create(System.Globalization.CultureInfo.InvariantCulture,
        $"--minutes {_options.Minutes} left no time for {what}; give it more minutes.");
}
