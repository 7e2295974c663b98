using System.Globalization;
using static Crosshead.Reports.Pages.ReportNumbers;

namespace Crosshead.Reports;

/// <summary>Describes in words how smaller caches change the loss, for the page and for the terminal.</summary>
public sealed class CompressionVerdict
{
    private CompressionVerdict(string headline, IReadOnlyList<string> remarks) =>
        (Headline, Remarks) = (headline, remarks);

    /// <summary>One sentence that says how much the loss of each model changed.</summary>
    public string Headline { get; }

    /// <summary>The loss of each model after each step, and the numbers that are missing.</summary>
    public IReadOnlyList<string> Remarks { get; }

    /// <summary>Judges the models by the losses that were measured.</summary>
    public static CompressionVerdict Of(IReadOnlyList<CompressedRun> runs)
    {
        var clauses = runs.Select(Clause).OfType<string>().ToArray();
        return new CompressionVerdict(
            clauses.Length == 0 ? "There is nothing to tell of a smaller cache: no model got as far as a loss with it."
                : $"With half its key/value cache {string.Join("; ", clauses)}.",
            [.. runs.SelectMany(RemarksOf)]);
    }

    /// <summary>The headline and the remarks, one per line.</summary>
    public override string ToString() => string.Join('\n', Remarks.Prepend(Headline));

    private static string? Clause(CompressedRun run)
    {
        if (run.LossBefore is not { } before || (run.LossRecovered ?? run.LossAfter) is not { } loss) return null;
        var when = run.LossRecovered is null ? "without recovery" : $"after {Seconds(run)}recovery";
        if (!double.IsFinite(loss)) return $"{run.Name} breaks down {when}";
        var cost = loss - before;
        if (run.LossRecovered - run.LossAfter >= ComparisonVerdict.Tie)
            return $"{run.Name} loses {Loss(cost)} nats a token ({Percent(cost / before)}), as {Seconds(run)}recovery "
                + $"made it worse, from {Loss(run.LossAfter)} to {Loss(loss)}";
        return Math.Abs(cost) < ComparisonVerdict.Tie ? $"{run.Name} loses nothing {when} ({Loss(loss)})"
            : cost > 0 ? $"{run.Name} loses {Loss(cost)} nats a token ({Percent(cost / before)}) {when}"
            : $"{run.Name} is {Loss(-cost)} nats a token better {when}, which was training too";
    }

    private static IEnumerable<string> RemarksOf(CompressedRun run)
    {
        if (run is { LossBefore: { } before, LossAfter: { } after, LossSvd: { } svd })
            yield return $"As trained, {run.Name} has a loss of {Loss(before)}. With half the cache and no recovery it "
                + $"has {Loss(after)} where a profile chooses what to keep, and {Loss(svd)} by the paper's method, "
                + $"which keeps the same half in every layer."
                + (svd - after >= ComparisonVerdict.Tie ? "" : " Here the profile did not help.");
        if (run.Missing is { } missing) yield return $"{run.Name}: {missing}";
    }

    private static string Seconds(CompressedRun run) =>
        run.RecoveryTime is { } time ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0} s of ") : "";
}
