using Crosshead.Training.Studies;
using static Crosshead.Reports.Pages.ReportNumbers;

namespace Crosshead.Reports.Studies;

/// <summary>Explains the numbers of a study in words, for the page and for the terminal.</summary>
public sealed class StudyVerdict
{
    private StudyVerdict(string headline, IReadOnlyList<string> remarks) => (Headline, Remarks) = (headline, remarks);

    /// <summary>Says which variant has the lowest loss at its chosen rate, and by how much.</summary>
    public string Headline { get; }

    /// <summary>The chosen rate of each variant, and the limits of the headline.</summary>
    public IReadOnlyList<string> Remarks { get; }

    /// <summary>Judges a study. Before all runs are done, the headline gives only the number of runs done.</summary>
    public static StudyVerdict Of(StudyReport report)
    {
        var (done, runs) = (report.Runs.Count(IsDone), report.Runs.Count());
        var headline = done < runs ? $"{done} of {runs} runs are done: the variants are compared when all are."
            : report.Variants.All(v => v.LargestStable?.HeldOutLoss is null)
            ? $"No variant has a {(report.OfLowestLoss ? "finished run" : "stable learning rate")}."
            : IsTooShort(report) ? $"Too few steps for a comparison: each run has {Whole(report.Steps)}, and "
            + $"{ComparisonVerdict.LeastSteps} are needed before a difference says anything. No winner is named."
            : HeadlineOf(Standings(report), report.Choice);
        return new StudyVerdict(headline, [.. RemarksOf(report)]);
    }

    /// <summary>The headline and the remarks, one per line.</summary>
    public override string ToString() => string.Join('\n', Remarks.Prepend(Headline));

    /// <summary>
    /// The variants with a chosen rate, lowest loss first. Empty before all runs are done, or if the runs have too few
    /// steps.
    /// </summary>
    internal static RateChoice[] Standings(StudyReport report) => IsTooShort(report) || !report.Runs.All(IsDone) ? []
        : [.. report.Variants.Where(v => v.LargestStable?.HeldOutLoss is not null)
            .OrderBy(v => v.LargestStable!.HeldOutLoss)];

    private static bool IsDone(StudyRun run) => run.Status is not (RunStatus.Waiting or RunStatus.Interrupted);

    // A single variant is not compared, so no number of steps is too few.
    private static bool IsTooShort(StudyReport report) =>
        report.Variants.Count > 1 && report.Steps < ComparisonVerdict.LeastSteps;

    private static string HeadlineOf(RateChoice[] best, string choice)
    {
        var first = $"{Loss(best[0].LargestStable!.HeldOutLoss)} nats a token at "
            + $"{Rate(best[0].LargestStable!.LearningRate)}";
        if (best.Length == 1)
            return $"Of {best[0].Variant} the {choice} is "
                + $"{Rate(best[0].LargestStable!.LearningRate)}, with a held-out loss of "
                + $"{Loss(best[0].LargestStable!.HeldOutLoss)} nats a token.";
        var (second, gap) = (best[1].LargestStable!,
            best[1].LargestStable!.HeldOutLoss!.Value - best[0].LargestStable!.HeldOutLoss!.Value);
        return gap < ComparisonVerdict.Tie
            ? $"At their {choice}s {best[0].Variant} and {best[1].Variant} are level: {first}, and "
            + $"{Loss(second.HeldOutLoss)} at {Rate(second.LearningRate)}."
            : $"At its {choice} {best[0].Variant} has the lowest held-out loss: {first}. That is "
            + $"{Loss(gap)} less than {best[1].Variant}, the next best ({Loss(second.HeldOutLoss)} at "
            + $"{Rate(second.LearningRate)}).";
    }

    private static IEnumerable<string> RemarksOf(StudyReport report)
    {
        foreach (var variant in report.Variants) yield return report.OfLowestLoss ? Best(variant) : Choice(variant);
        var top = report.Variants.Where(v => v.LargestStable is not null && v.LargestStable == v.Rates[^1])
            .Select(v => v.Variant).ToArray();
        if (top.Length > 0)
            yield return $"{string.Join(" and ", top)} {(top.Length == 1 ? "is" : "are")} "
                + $"{(report.OfLowestLoss ? "best" : "stable")} at the largest rate "
                + $"tried: a larger one may be better still.";
        var failed = report.Runs.Count(r => r.Status is RunStatus.Failed or RunStatus.Diverged);
        if (failed > 0) yield return $"{failed} of {report.Runs.Count()} runs did not finish; the table says why.";
        if (!report.Seeds) yield return "With one seed a rate, differences of a few hundredths of a nat can turn.";
    }

    private static string Best(RateChoice variant) => variant.LargestStable is not { } chosen
        ? $"{variant.Variant}: no rate to choose."
        : $"{variant.Variant}: loss {Loss(variant.Chosen?.Loss)} at {Rate(chosen.LearningRate)}"
        + string.Concat(variant.Chosen?.Recall.Select(r => $", {r.Key} {Percent(r.Value)}") ?? []) + ".";

    private static string Choice(RateChoice variant)
    {
        if (variant.LargestStable is not { } chosen)
            return $"{variant.Variant}: no rate to choose ({string.Join(", ",
                variant.Rates.Select(r => $"{Rate(r.LearningRate)} {r.Why ?? "not known"}"))}).";
        var above = variant.Rates.Where(r => r.LearningRate > chosen.LearningRate)
            .Select(r => $"{Rate(r.LearningRate)}: {r.Why}").ToArray();
        var lowest = variant.LowestLoss is { } low && low.LearningRate != chosen.LearningRate
            ? $"; its loss is lowest at {Rate(low.LearningRate)}, {Loss(low.HeldOutLoss)} against "
            + $"{Loss(chosen.HeldOutLoss)}"
            : "; its loss is lowest there too";
        return $"{variant.Variant}: stable up to {Rate(chosen.LearningRate)}"
            + (above.Length > 0 ? $" ({string.Join(", ", above)})" : "") + lowest + ".";
    }
}
