using Crosshead.Training.Logging;

namespace Crosshead.Training.Studies;

/// <summary>What a run of a study measured: its log, read for the comparison of learning rates.</summary>
public sealed record StudyRun
{
    /// <summary>Name of the attention variant.</summary>
    public required string Variant { get; init; }

    /// <summary>The constant rate after the warm-up.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Seed of the weights and of the order of the data.</summary>
    public required long Seed { get; init; }

    /// <summary>How far it came.</summary>
    public required RunStatus Status { get; init; }

    /// <summary>Why it did not finish; null where it did.</summary>
    public string? Reason { get; init; }

    /// <summary>Tokens seen and held-out loss, in nats a token, of each evaluation.</summary>
    public IReadOnlyList<(double Tokens, double Loss)> Curve { get; init; } = [];

    /// <summary>Tokens at which spikes of the training loss began.</summary>
    public IReadOnlyList<double> SpikesAt { get; init; } = [];

    /// <summary>Steps whose training loss was a spike.</summary>
    public int SpikeSteps { get; init; }

    /// <summary>Whether the last step was within a spike.</summary>
    public bool EndsInSpike { get; init; }

    /// <summary>Median training speed; null before the first step.</summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>The power law of the curve; null where there is none.</summary>
    public PowerLawFit? Fit { get; init; }

    /// <summary>Why there is no fit; null where there is one.</summary>
    public string? FitRefusal { get; init; } = "it has no curve";

    /// <summary>Held-out loss of the finished run in nats a token; null before its end.</summary>
    public double? HeldOutLoss => Status == RunStatus.Finished && Curve.Count > 0 ? Curve[^1].Loss : null;

    /// <summary>The run with what its log says.</summary>
    /// <param name="log">The run's steps in order.</param>
    /// <param name="warmupTokens">Tokens of the warm-up, which is not fitted.</param>
    public StudyRun With(IReadOnlyList<TrainingStepRecord> log, double warmupTokens)
    {
        if (log.Count == 0) return this;
        (double, double)[] curve = [
            .. log.Where(r => r.HeldOutLoss is not null).Select(r => ((double)r.Tokens, r.HeldOutLoss!.Value))];
        string? refusal = null;
        var fit = Status switch
        {
            RunStatus.Finished => PowerLawFit.Of(curve, warmupTokens, out refusal),
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
