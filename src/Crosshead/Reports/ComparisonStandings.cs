using Crosshead.Training.Studies;

namespace Crosshead.Reports;

/// <summary>
/// Ranks the best run of each variant. All runs are compared after the same number of tokens: as many as the shortest
/// compared run has. The shortest run of a learning rate decides how far this rate came. Rates that came less than half
/// as far as the furthest rate are left out. Each variant then chooses among the same rates. Diverged runs are not
/// ranked.
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
        // If a variant would have no run left, no rate is left out: each variant keeps the rates that it has.
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

    /// <summary>Number of variants with a held-out loss from a run that did not diverge.</summary>
    public int Variants { get; }

    /// <summary>
    /// Whether every run of the measured variants finished, all with the same number of tokens. The losses are then
    /// those of fully trained models. Diverged runs do not count.
    /// </summary>
    public bool IsComplete { get; }

    /// <summary>
    /// Whether the runs are long enough to rank variants: at least <see cref="ComparisonVerdict.LeastSteps"/> steps.
    /// Always true for fewer than two measured variants.
    /// </summary>
    public bool IsEnough { get; }

    /// <summary>Number of training tokens after which the runs are compared; every compared run has them.</summary>
    public long Tokens { get; }

    /// <summary>Number of optimizer steps that every compared run took within <see cref="Tokens"/>.</summary>
    public long Steps { get; }

    /// <summary>
    /// The best run of each measured variant and its loss after <see cref="Tokens"/>, lowest loss first. Empty if
    /// <see cref="IsEnough"/> is false.
    /// </summary>
    public IReadOnlyList<(ComparisonRun Run, double Loss)> Best { get; } = [];

    /// <summary>
    /// All runs: first those with a loss after <see cref="Tokens"/>, lowest loss first, then the others. In the order
    /// of the report if <see cref="IsEnough"/> is false.
    /// </summary>
    public IReadOnlyList<ComparisonRun> Ordered { get; }

    /// <summary>Learning rates that are left out because a run with this rate is too short.</summary>
    public IReadOnlyList<double> LeftOut { get; }

    /// <summary>
    /// The first run of each variant without a result: none of its runs was measured, or all of them diverged.
    /// </summary>
    public IReadOnlyList<ComparisonRun> Unmeasured { get; }

    /// <summary>Number of learning rates from which the best run of the run's variant is chosen.</summary>
    public int RatesOf(ComparisonRun run) =>
        _compared.Where(r => r.Variant == run.Variant).Select(r => r.LearningRate).Distinct().Count();

    /// <summary>
    /// The loss of a run after <see cref="Tokens"/>; null if the run is not compared or has no finite loss there.
    /// </summary>
    public double? LossOf(ComparisonRun run) => !_compared.Contains(run) ? null
        : run.Status == RunStatus.Finished && run.Tokens == Tokens ? run.LastHeldOutLoss : run.HeldOutLossAt(Tokens);

    // Tokens at the last measured held-out loss; all tokens of the run if none was measured.
    private static long Reached(ComparisonRun run) =>
        run.Points.LastOrDefault(p => p.HeldOutLoss is not null)?.Tokens ?? run.Tokens;
}
