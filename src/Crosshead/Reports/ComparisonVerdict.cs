using Crosshead.Training.Studies;
using static Crosshead.Reports.Pages.ReportNumbers;

namespace Crosshead.Reports;

/// <summary>Explains the numbers of a comparison in words, for the page and for the terminal.</summary>
public sealed class ComparisonVerdict
{
    /// <summary>
    /// Least number of optimizer steps for naming a winner. With fewer steps, initialization and warm-up decide the
    /// order.
    /// </summary>
    public const int LeastSteps = 300;

    /// <summary>Losses that differ by less, in nats per token, count as equal: the page shows three decimals.</summary>
    internal const double Tie = 0.0005;

    private ComparisonVerdict(string headline, IReadOnlyList<string> remarks)
    {
        Headline = headline;
        Remarks = remarks;
    }

    /// <summary>
    /// Says which variant won at its best learning rate, and by how much. Says plainly if the report's subject did not
    /// win. Names no winner after fewer than <see cref="LeastSteps"/> steps.
    /// </summary>
    public string Headline { get; }

    /// <summary>
    /// The limits of the headline: how far the runs came, what went wrong, and how the training speeds compare.
    /// </summary>
    public IReadOnlyList<string> Remarks { get; }

    /// <summary>Judges a comparison. An incomplete comparison is judged by the numbers it has so far.</summary>
    public static ComparisonVerdict Of(ComparisonReport report)
    {
        var standings = new ComparisonStandings(report);
        return new ComparisonVerdict(HeadlineOf(report, standings), [.. RemarksOf(report, standings), .. report.Notes]);
    }

    /// <summary>The headline and the remarks, one per line.</summary>
    public override string ToString() => string.Join('\n', Remarks.Prepend(Headline));

    private static string HeadlineOf(ComparisonReport report, ComparisonStandings standings)
    {
        if (standings is { Variants: 0 } or { IsEnough: true, Best.Count: 0 })
            return "There is nothing to compare yet: no run got as far as a held-out loss.";
        if (!standings.IsEnough)
            return $"Too few steps for a comparison: {Whole(standings.Steps)} in each run, and {LeastSteps} are needed "
                + $"before a difference says anything. No winner is named.";
        var ended = standings.Unmeasured.All(r => r.Status != RunStatus.Waiting)
            && report.Runs.All(r => r.Status is not (RunStatus.Waiting or RunStatus.Interrupted));
        return (ended || standings.Best.Count < 2 ? "" : "So far: ") + Winner(report, standings);
    }

    private static string Winner(ComparisonReport report, ComparisonStandings standings)
    {
        var best = standings.Best;
        var subject = report.Runs.FirstOrDefault(r => r.Variant == report.Subject);
        var missing = subject is not null && standings.Unmeasured.Any(r => r.Variant == subject.Variant);
        var before = !missing ? ""
            : report.Runs.Any(r => r.Variant == report.Subject && r.Status == RunStatus.Diverged)
            ? $"{subject!.Name} did not win: none of its runs came to a result. "
            : $"There is no word on {subject!.Name} yet: it was not measured. ";
        var leader = best[0];
        if (best.Count == 1)
            return $"{before}Only {leader.Run.Name} was measured: {Full(standings, leader)}, and there is nothing to "
                + $"compare it with.";

        var second = best[1];
        var placed = best.FirstOrDefault(b => b.Run.Variant == report.Subject);
        if (second.Loss - leader.Loss < Tie && (placed.Run is null || placed.Loss - leader.Loss < Tie))
            return $"{before}{leader.Run.Name} and {second.Run.Name} are level: {Full(standings, leader)}, and "
                + $"{Short(second)}.";
        if (placed.Run is null || placed.Run == leader.Run)
            return $"{before}{leader.Run.Name} has the lowest held-out loss: {Full(standings, leader)}. That is "
                + $"{Gap(leader, second, second)} less than {second.Run.Name}, the next best ({Short(second)}).";
        return $"{placed.Run.Name} did not win: {Full(standings, placed)}. That is {Gap(leader, placed, leader)} more "
            + $"than {leader.Run.Name}, the best ({Short(leader)}).";
    }

    private static IEnumerable<string> RemarksOf(ComparisonReport report, ComparisonStandings standings)
    {
        var best = standings.Best;
        if (best.Count > 1 && !standings.IsComplete)
            yield return $"Not every run is complete: all are compared after {Count(standings.Tokens)} tokens "
                + $"({Whole(standings.Steps)} steps), the furthest that every one of them came.";
        if (best.Count > 1)
            foreach (var rate in standings.LeftOut)
                yield return $"Learning rate {Rate(rate)} is left out: not every variant came as far with it.";
        var stopped = report.Runs.Count(r => r.Status == RunStatus.Interrupted);
        if (stopped > 0) yield return $"{stopped} of {report.Runs.Count} runs stopped early.";
        if (best.Count > 0)
            foreach (var run in standings.Unmeasured.Where(r => r.Variant != report.Subject))
                yield return $"{run.Name} has no result.";

        var seeds = report.Runs.Select(r => r.Seed).Distinct().Count();
        if (best.Count > 1)
            yield return (seeds == 1 ? "One seed" : $"{seeds} seeds")
                + $" and {Count(standings.Tokens)} tokens a run prove little: "
                + "with another seed, or longer training, differences of a few hundredths of a nat can turn.";

        var spread = best.Select(b => b.Run.Name).Select(name => (Name: name, Losses: Comparable(report, name)))
            .Where(v => v.Losses.Length > 1)
            .Select(v => (v.Name, Spread: v.Losses.Max() - v.Losses.Min())).DefaultIfEmpty().MaxBy(v => v.Spread);
        if (standings.IsComplete && best.Count > 1 && spread.Spread > best[^1].Loss - best[0].Loss)
            yield return $"The learning rate mattered more than the variant: it moved {spread.Name} by "
                + $"{Loss(spread.Spread)} nats.";

        foreach (var run in report.Runs.Where(r => r.Status == RunStatus.Diverged))
            yield return $"{run.Name} diverged at learning rate {Rate(run.LearningRate)}.";

        var subject = best.FirstOrDefault(b => b.Run.Variant == report.Subject).Run;
        var baseline = report.Runs.FirstOrDefault(
            r => r.Variant != report.Subject && best.Any(b => b.Run.Variant == r.Variant));
        var baselineBest = best.FirstOrDefault(b => b.Run.Variant == baseline?.Variant).Run;
        if (subject?.TokensPerSecond is > 0 and var fast && baselineBest?.TokensPerSecond is > 0 and var other)
            yield return string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"{subject.Name} trained at {fast / other:0.00} times the speed of {baselineBest.Name} ({Whole(fast)} "
                    + $"against {Whole(other)} tokens a second), ")
                + "each run in its own time: on a shared machine such a ratio moves by a quarter.";
    }

    private static double[] Comparable(ComparisonReport report, string name) =>
        [.. report.Runs.Where(r => r.Name == name && r.Status == RunStatus.Finished).Select(r => r.LastHeldOutLoss)
            .OfType<double>()];

    private static string Full(ComparisonStandings standings, (ComparisonRun Run, double Loss) b) =>
        $"{Loss(b.Loss)} nats a token at "
        + (standings.RatesOf(b.Run) > 1 ? "its best learning rate, " : "learning rate ") + Rate(b.Run.LearningRate);

    private static string Short((ComparisonRun Run, double Loss) b) => $"{Loss(b.Loss)} at {Rate(b.Run.LearningRate)}";

    private static string Gap((ComparisonRun Run, double Loss) low, (ComparisonRun Run, double Loss) high,
        (ComparisonRun Run, double Loss) whole) =>
        $"{Loss(high.Loss - low.Loss)} nats ({Percent((high.Loss - low.Loss) / whole.Loss)})";
}
