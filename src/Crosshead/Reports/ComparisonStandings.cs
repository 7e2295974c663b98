using Crosshead.Training.Studies;

namespace Crosshead.Reports;

/// <summary>
/// Each variant's best run, compared fairly: all runs after the same number of tokens, the furthest that every one of
/// them came. A learning rate at which some variant came less than half as far as at another is left out, so that each
/// variant chooses among the same rates. Diverged runs do not stand.
/// </summary>
public sealed class ComparisonStandings
{
    private readonly HashSet<ComparisonRun> _compared;

    /// <summary>Ranks the runs of a comparison.</summary>
    public ComparisonStandings(ComparisonReport report)
    {
        var sound = report.Runs.Where(r => r.Status != RunStatus.Diverged).ToArray();
        var measured = sound.Where(r => r.LastHeldOutLoss is not null).Select(r => r.Variant).ToHashSet();
        Unmeasured = [
            .. report.Runs.GroupBy(r => r.Variant).Select(v => v.First()).Where(r => !measured.Contains(r.Variant))];

        var runs = sound.Where(r => measured.Contains(r.Variant)).ToArray();
        var reach = runs.GroupBy(r => r.LearningRate).ToDictionary(g => g.Key, g => g.Min(Reached));
        var furthest = reach.Values.DefaultIfEmpty().Max();
        LeftOut = [.. reach.Where(r => r.Value == 0 || r.Value < furthest / 2).Select(r => r.Key).Order()];
        var kept = runs.Where(r => !LeftOut.Contains(r.LearningRate)).ToArray();
        // Variants without a common rate are compared at whatever rates they have.
        if (measured.Any(v => kept.All(r => r.Variant != v)))
            (LeftOut, kept) = ([], [.. runs.Where(r => r.LastHeldOutLoss is not null)]);
        _compared = [.. kept];

        Tokens = kept.Select(Reached).DefaultIfEmpty().Min();
        Steps = kept.Select(r => r.Points.LastOrDefault(p => p.Tokens <= Tokens)?.Step ?? 0).DefaultIfEmpty().Min();
        IsComplete = runs.All(
            r => r is { Status: RunStatus.Finished, FinalHeldOutLoss: not null } && r.Tokens == Tokens);
        IsEnough = measured.Count < 2 || Steps >= ComparisonVerdict.LeastSteps;
        Variants = measured.Count;
        if (IsEnough)
            Best = [.. kept.Where(r => LossOf(r) is not null).Select(r => (Run: r, Loss: LossOf(r)!.Value))
                .GroupBy(b => b.Run.Variant).Select(v => v.MinBy(b => b.Loss)).OrderBy(b => b.Loss)];
        Ordered = IsEnough ? [.. report.Runs.OrderBy(r => LossOf(r) ?? double.MaxValue)] : report.Runs;
    }

    /// <summary>How many variants were measured at all.</summary>
    public int Variants { get; }

    /// <summary>
    /// Whether every run of the measured variants took all its steps, so that the losses are those of trained models.
    /// </summary>
    public bool IsComplete { get; }

    /// <summary>Whether the steps are enough to rank variants by.</summary>
    public bool IsEnough { get; }

    /// <summary>Tokens that every compared run had been trained on.</summary>
    public long Tokens { get; }

    /// <summary>Optimizer steps that every compared run had taken by then.</summary>
    public long Steps { get; }

    /// <summary>
    /// The best run of each measured variant with the loss it is judged by, best first; empty where the steps are too
    /// few.
    /// </summary>
    public IReadOnlyList<(ComparisonRun Run, double Loss)> Best { get; } = [];

    /// <summary>
    /// All runs: by the loss that compares, lowest first, then those without one; as they were run where the steps are
    /// too few.
    /// </summary>
    public IReadOnlyList<ComparisonRun> Ordered { get; }

    /// <summary>Learning rates that not every variant came far enough with.</summary>
    public IReadOnlyList<double> LeftOut { get; }

    /// <summary>
    /// A run of each variant that has nothing to compare: not begun, not measured, or diverged in every run.
    /// </summary>
    public IReadOnlyList<ComparisonRun> Unmeasured { get; }

    /// <summary>How many learning rates a variant is judged by the best of.</summary>
    public int RatesOf(ComparisonRun run) =>
        _compared.Where(r => r.Variant == run.Variant).Select(r => r.LearningRate).Distinct().Count();

    /// <summary>The loss that a run is judged by, after <see cref="Tokens"/>; null where it is not compared.</summary>
    public double? LossOf(ComparisonRun run) => !_compared.Contains(run) ? null
        : run.Status == RunStatus.Finished && run.Tokens == Tokens ? run.LastHeldOutLoss : run.HeldOutLossAt(Tokens);

    // The last point where the held-out loss was measured.
    private static long Reached(ComparisonRun run) =>
        run.Points.LastOrDefault(p => p.HeldOutLoss is not null)?.Tokens ?? run.Tokens;
}
