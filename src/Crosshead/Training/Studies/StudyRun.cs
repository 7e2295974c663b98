using Crosshead.Training.Logging;

namespace Crosshead.Training.Studies;

/// <summary>The measurements of one run of a study, read from its log.</summary>
public sealed record StudyRun
{
    /// <summary>Name of the model, for example that of its attention variant.</summary>
    public required string Variant { get; init; }

    /// <summary>The learning rate after the warm-up.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Seed of the initial weights and of the order of the data.</summary>
    public required long Seed { get; init; }

    /// <summary>The status of the run.</summary>
    public required RunStatus Status { get; init; }

    /// <summary>The reason why the run did not finish; null if the run finished.</summary>
    public string? Reason { get; init; }

    /// <summary>Number of tokens seen and held-out loss in nats per token, for each evaluation.</summary>
    public IReadOnlyList<(double Tokens, double Loss)> Curve { get; init; } = [];

    /// <summary>Numbers of tokens at which spikes of the training loss began.</summary>
    public IReadOnlyList<double> SpikesAt { get; init; } = [];

    /// <summary>Number of steps whose training loss was a spike.</summary>
    public int SpikeSteps { get; init; }

    /// <summary>Whether the last step was within a spike.</summary>
    public bool EndsInSpike { get; init; }

    /// <summary>Median training speed in tokens per second; null before the first step.</summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>The power law fitted to <see cref="Curve"/>; null if there is no fit.</summary>
    public PowerLawFit? Fit { get; init; }

    /// <summary>The reason why there is no fit; null if there is a fit.</summary>
    public string? FitRefusal { get; init; } = "it has no curve";

    /// <summary>What the model costs; null if its shape is not valid.</summary>
    public StudyCost? Cost { get; init; }

    /// <summary>Median time of a decoding step in seconds; null if it was not measured with this run.</summary>
    public double? DecodeSeconds { get; init; }

    /// <summary>
    /// Share of right answers of each recall task at the last measurement, 0 to 1; null if there was none.
    /// </summary>
    public IReadOnlyDictionary<string, double>? Recall { get; init; }

    /// <summary>
    /// Number of tokens seen and share of right answers, averaged over the recall tasks, for each measurement.
    /// </summary>
    public IReadOnlyList<(double Tokens, double Share)> RecallCurve { get; init; } = [];

    /// <summary>Final held-out loss in nats per token; null if the run has not finished.</summary>
    public double? HeldOutLoss => Status == RunStatus.Finished && Curve.Count > 0 ? Curve[^1].Loss : null;

    /// <summary>Returns the run with the measurements from its log.</summary>
    /// <param name="log">The steps of the run, in order.</param>
    /// <param name="warmupTokens">
    /// Number of tokens in the warm-up, which is left out of the fit; null if the rate was not constant after it.
    /// </param>
    public StudyRun With(IReadOnlyList<TrainingStepRecord> log, double? warmupTokens)
    {
        if (log.Count == 0) return this;
        (double, double)[] curve = [
            .. log.Where(r => r.HeldOutLoss is not null).Select(r => ((double)r.Tokens, r.HeldOutLoss!.Value))];
        string? refusal = null;
        var fit = Status switch
        {
            RunStatus.Finished when warmupTokens is { } warmup => PowerLawFit.Of(curve, warmup, out refusal),
            RunStatus.Finished => Refuse("the rate was not constant", out refusal),
            RunStatus.Diverged => Refuse("the run diverged", out refusal),
            _ => Refuse("the run did not finish", out refusal),
        };
        return this with
        {
            Curve = curve,
            SpikesAt = [.. log.Where((r, i) => r.Spike && (i == 0 || !log[i - 1].Spike)).Select(r => (double)r.Tokens)],
            SpikeSteps = log.Count(r => r.Spike),
            EndsInSpike = log[^1].Spike,
            TokensPerSecond = log.Select(r => r.TokensPerSecond).Order().ElementAt(log.Count / 2),
            RecallCurve = [.. log.Where(r => r.Recall is not null)
                .Select(r => ((double)r.Tokens, r.Recall!.Values.Average()))],
            Recall = log.LastOrDefault(r => r.Recall is not null)?.Recall,
            Fit = fit,
            FitRefusal = refusal,
        };
    }

    private static PowerLawFit? Refuse(string why, out string? refusal)
    {
        refusal = why;
        return null;
    }
}
