using System.Globalization;

namespace Crosshead.Training.Studies;

/// <summary>
/// The learning rate of a variant: the largest stable one (arXiv 2601.19611, §5.1). A rate is stable when each of its
/// runs took all steps and did not end within a spike, and when their mean final loss is at most
/// <see cref="Tolerance"/> above the lowest of the smaller stable rates: where a larger rate learns worse than a
/// smaller one, training has begun to suffer from it.
/// </summary>
public sealed record RateChoice
{
    /// <summary>
    /// How far above the lowest final loss of the smaller stable rates, as a share of it, a stable rate may end.
    /// </summary>
    public const double Tolerance = 0.02;

    /// <summary>Name of the variant.</summary>
    public required string Variant { get; init; }

    /// <summary>Its runs.</summary>
    public required IReadOnlyList<StudyRun> Runs { get; init; }

    /// <summary>Every rate, from the smallest to the largest.</summary>
    public required IReadOnlyList<RateStanding> Rates { get; init; }

    /// <summary>The choice: the largest stable rate; null where none is.</summary>
    public RateStanding? LargestStable => Rates.LastOrDefault(r => r.Stable == true);

    /// <summary>The rate with the lowest mean final loss; null where no rate finished.</summary>
    public RateStanding? LowestLoss =>
        Rates.Where(r => r.HeldOutLoss is { } loss && double.IsFinite(loss) && r.Stable is not null)
        .MinBy(r => r.HeldOutLoss);

    /// <summary>Chooses for each variant, in the order in which they come.</summary>
    public static IReadOnlyList<RateChoice> Of(IEnumerable<StudyRun> runs) =>
        [.. runs.GroupBy(r => r.Variant).Select(v => Of(v.Key, [.. v]))];

    private static RateChoice Of(string variant, StudyRun[] runs)
    {
        var rates = runs.GroupBy(r => r.LearningRate).OrderBy(g => g.Key)
            .Select(g => (Rate: g.Key, Runs: g.ToArray(), Loss: MeanLoss([.. g]))).ToArray();
        var standings = new List<RateStanding>();
        foreach (var (rate, those, loss) in rates)
            standings.Add(Judge(rate, those, loss, standings.Where(s => s.Stable == true).Min(s => s.HeldOutLoss)));
        return new RateChoice { Variant = variant, Runs = runs, Rates = standings };
    }

    private static double? MeanLoss(StudyRun[] runs) =>
        runs.All(r => r.HeldOutLoss is not null) ? runs.Average(r => r.HeldOutLoss!.Value) : null;

    private static RateStanding Judge(double rate, StudyRun[] runs, double? loss, double? lowest)
    {
        if (runs.Any(r => r.Status == RunStatus.Diverged)) return new(rate, loss, false, "diverged");
        if (runs.FirstOrDefault(r => r.Status != RunStatus.Finished) is { } missing)
            return new(rate, loss, null, missing.Status == RunStatus.Failed ? "failed" : "not finished");
        if (loss is null) return new(rate, loss, null, "no held-out loss");
        if (!double.IsFinite(loss.Value)) return new(rate, loss, false, "loss not finite");
        if (runs.Any(r => r.EndsInSpike)) return new(rate, loss, false, "ends in a spike");
        return lowest is { } best && loss > best * (1 + Tolerance)
            ? new(rate, loss, false, string.Create(CultureInfo.InvariantCulture,
                $"{100 * (loss.Value / best - 1):0.#} % above a smaller rate"))
            : new(rate, loss, true, null);
    }
}

/// <summary>How a variant did at one learning rate, all seeds together.</summary>
/// <param name="LearningRate">The rate.</param>
/// <param name="HeldOutLoss">Mean final held-out loss of its runs in nats a token; null where a run did not
/// finish.</param>
/// <param name="Stable">Whether it is stable by the rule of <see cref="RateChoice"/>; null where that is not
/// known.</param>
/// <param name="Why">Why it is not stable, or why that is not known; null where it is.</param>
public sealed record RateStanding(double LearningRate, double? HeldOutLoss, bool? Stable, string? Why);
