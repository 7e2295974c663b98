using System.Globalization;
using static Crosshead.Reports.ReportNumbers;

namespace Crosshead.Reports;

/// <summary>Says in words what the smaller caches cost, for the page and for the terminal.</summary>
public sealed class CompressionVerdict
{
    private CompressionVerdict(string headline, IReadOnlyList<string> remarks) => (Headline, Remarks) = (headline, remarks);

    /// <summary>What every model lost, or did not, in one sentence.</summary>
    public string Headline { get; }

    /// <summary>What each step was worth, and what is missing.</summary>
    public IReadOnlyList<string> Remarks { get; }

    /// <summary>Judges the models as far as they were measured.</summary>
    public static CompressionVerdict Of(IReadOnlyList<CompressedRun> runs)
    {
        var clauses = runs.Select(Clause).OfType<string>().ToArray();
        return new CompressionVerdict(
            clauses.Length == 0 ? "There is nothing to tell of a smaller cache: no model got as far as a loss with it." : $"With half its key/value cache {string.Join("; ", clauses)}.",
            [.. runs.SelectMany(RemarksOf)]);
    }

    /// <summary>The headline and the remarks, one a line.</summary>
    public override string ToString() => string.Join('\n', Remarks.Prepend(Headline));

    private static string? Clause(CompressedRun run)
    {
        if (run.LossBefore is not { } before || (run.LossRecovered ?? run.LossAfter) is not { } loss) return null;
        var when = run.LossRecovered is null ? "without recovery" : $"after {Seconds(run)}recovery";
        if (!double.IsFinite(loss)) return $"{run.Name} breaks down {when}";
        var cost = loss - before;
        return Math.Abs(cost) < ComparisonVerdict.Tie ? $"{run.Name} loses nothing {when} ({Loss(loss)})"
            : cost > 0 ? $"{run.Name} loses {Loss(cost)} nats a token ({Percent(cost / before)}) {when}"
            : $"{run.Name} is {Loss(-cost)} nats a token better {when}, which was training too";
    }

    private static IEnumerable<string> RemarksOf(CompressedRun run)
    {
        if (run is { LossBefore: { } before, LossAfter: { } after, LossSvd: { } svd })
            yield return $"Before any recovery the loss of {run.Name} changes by {Difference(after - before)} nats with the bytes spent where a profile says they matter, by {Difference(svd - before)} with the paper's method, the same half in every layer"
                + (after < svd ? "." : ": here the profile did not help.");
        if (run.LossRecovered - run.LossAfter >= ComparisonVerdict.Tie)
            yield return $"Recovery made {run.Name} worse, from {Loss(run.LossAfter)} to {Loss(run.LossRecovered)}.";
        if (run.Missing is { } missing) yield return $"{run.Name}: {missing}";
    }

    private static string Seconds(CompressedRun run) =>
        run.RecoveryTime is { } time ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0} s of ") : "";
}
