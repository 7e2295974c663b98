namespace Crosshead.Training.Runs;

/// <summary>A point of a run's curve: taken at every evaluation.</summary>
/// <param name="Step">Optimizer steps taken.</param>
/// <param name="Tokens">Tokens trained on.</param>
/// <param name="TrainingLoss">Mean training loss of the steps since the evaluation before, in nats.</param>
/// <param name="HeldOutLoss">Held-out loss, in nats; null if the data have no held-out part.</param>
/// <param name="TokensPerSecond">Training speed since the evaluation before, evaluations not counted.</param>
/// <param name="Elapsed">Time since this process began the run.</param>
public sealed record CurvePoint(long Step, long Tokens, double TrainingLoss, double? HeldOutLoss,
    double TokensPerSecond, TimeSpan Elapsed)
{
    /// <summary>Share of right answers of each recall task, 0 to 1; null if not measured here.</summary>
    public IReadOnlyDictionary<string, double>? Recall { get; init; }
}
