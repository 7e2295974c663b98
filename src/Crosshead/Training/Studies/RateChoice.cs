using System.Globalization;

namespace Crosshead.Training.Studies;

/// <summary>
/// The chosen learning rate of a variant: the largest stable rate (arXiv 2601.19611, §5.1). A rate is stable if all its
/// runs took all steps and did not end within a spike. In addition, the mean final loss of its runs may exceed the
/// lowest mean of the smaller stable rates by at most <see cref="Tolerance"/>. A larger excess shows that the rate
/// already harms training.
/// </summary>
public sealed record RateChoice
{
    /// <summary>
    /// Largest excess of a stable rate's final loss over the lowest loss of the smaller stable rates, as a share of
    /// that lowest loss.
    /// </summary>
    public const double Tolerance = 0.02;

    /// <summary>Name of the variant.</summary>
    public required string Variant { get; init; }

    /// <summary>The runs of the variant.</summary>
    public required IReadOnlyList<StudyRun> Runs { get; init; }

    /// <summary>The results of all rates, from the smallest rate to the largest.</summary>
    public required IReadOnlyList<RateStanding> Rates { get; init; }

    /// <summary>The chosen rate: the largest stable rate; null if no rate is stable.</summary>
    public RateStanding? LargestStable => Rates.LastOrDefault(r => r.Stable == true);

    /// <summary>The rate with the lowest mean final loss; null if no rate has finished.</summary>
    public RateStanding? LowestLoss =>
        Rates.Where(r => r.HeldOutLoss is { } loss && double.IsFinite(loss) && r.Stable is not null)
        .MinBy(r => r.HeldOutLoss);

    /// <summary>Chooses a rate for each variant. The variants keep their order in the runs.</summary>
    /// <param name="runs">The runs.</param>
    /// <param name="tolerance">
    /// The tolerance; null for <see cref="Tolerance"/>. With 0, the largest stable rate is that of the lowest loss.
    /// </param>
    /// <param name="seed">The seed whose runs choose the rate; null for all runs.</param>
    public static IReadOnlyList<RateChoice> Of(IEnumerable<StudyRun> runs, double? tolerance = null,
        long? seed = null) =>
        [.. runs.GroupBy(r => r.Variant).Select(v => Of(v.Key, [.. v], tolerance ?? Tolerance, seed))];

    /// <summary>Mean and spread over the seeds at the chosen rate; null if no rate is chosen.</summary>
    public SeedStatistics? Chosen => LargestStable is { } rate
        ? SeedStatistics.Of([.. Runs.Where(r => r.LearningRate == rate.LearningRate)]) : null;

    private static RateChoice Of(string variant, StudyRun[] runs, double tolerance, long? seed)
    {
        var rates = runs.Where(r => seed is null || r.Seed == seed).GroupBy(r => r.LearningRate).OrderBy(g => g.Key)
            .Select(g => (Rate: g.Key, Runs: g.ToArray(), Loss: MeanLoss([.. g]))).ToArray();
        var standings = new List<RateStanding>();
        foreach (var (rate, those, loss) in rates)
            standings.Add(Judge(rate, those, loss, standings.Where(s => s.Stable == true).Min(s => s.HeldOutLoss),
                tolerance));
        // One seed chose the rate; its mean is that of all.
        if (seed is not null && standings.FindLastIndex(s => s.Stable == true) is >= 0 and var chosen)
            standings[chosen] = standings[chosen] with
            {
                HeldOutLoss = MeanLoss([.. runs.Where(r => r.LearningRate == standings[chosen].LearningRate)]),
            };
        return new RateChoice { Variant = variant, Runs = runs, Rates = standings };
    }

    private static double? MeanLoss(StudyRun[] runs) =>
        runs.All(r => r.HeldOutLoss is not null) ? runs.Average(r => r.HeldOutLoss!.Value) : null;

    private static RateStanding Judge(double rate, StudyRun[] runs, double? loss, double? lowest,
        double tolerance)
    {
        if (runs.Any(r => r.Status == RunStatus.Diverged)) return new(rate, loss, false, "diverged");
        if (runs.FirstOrDefault(r => r.Status != RunStatus.Finished) is { } missing)
            return new(rate, loss, null, missing.Status == RunStatus.Failed ? "failed" : "not finished");
        if (loss is null) return new(rate, loss, null, "no held-out loss");
        if (!double.IsFinite(loss.Value)) return new(rate, loss, false, "loss not finite");
        if (runs.Any(r => r.EndsInSpike)) return new(rate, loss, false, "ends in a spike");
        return lowest is { } best && loss > best * (1 + tolerance)
            ? new(rate, loss, false, string.Create(CultureInfo.InvariantCulture,
                $"{100 * (loss.Value / best - 1):0.#} % above a smaller rate"))
            : new(rate, loss, true, null);
    }
}

/// <summary>The result of a variant at one learning rate, over all seeds.</summary>
/// <param name="LearningRate">The learning rate.</param>
/// <param name="HeldOutLoss">Mean final held-out loss of the runs in nats per token; null if a run did not
/// finish.</param>
/// <param name="Stable">Whether the rate is stable by the rule of <see cref="RateChoice"/>; null if unknown.</param>
/// <param name="Why">The reason why the rate is not stable or its stability is unknown; null for a stable rate.</param>
public sealed record RateStanding(double LearningRate, double? HeldOutLoss, bool? Stable, string? Why);
