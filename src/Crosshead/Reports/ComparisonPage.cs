using Crosshead.Reports.Pages;
using static Crosshead.Reports.Pages.ReportNumbers;

namespace Crosshead.Reports;

/// <summary>
/// Makes <c>report.html</c> of a comparison. The page has a verdict, curves, a table, smaller caches, sample texts, and
/// how to get the same numbers again.
/// </summary>
public static class ComparisonPage
{
    /// <summary>Returns the page as HTML. Interrupted, diverged and missing runs are marked.</summary>
    public static string Render(ComparisonReport report) =>
        ReportPage.Render(report.Title, report.Created, Sections(report));

    /// <summary>Writes the page to a file. The file is never half written.</summary>
    /// <exception cref="CrossheadException">The file cannot be written.</exception>
    public static void Write(ComparisonReport report, string path) => ReportPage.Write(Render(report), path);

    /// <summary>The sections of the page in order, without those that have nothing to show.</summary>
    internal static IEnumerable<ReportSection> Sections(ComparisonReport report)
    {
        var standings = new ComparisonStandings(report);
        yield return Verdict(report, standings);
        var curves = new ComparisonCurves(report, standings);
        if (curves.Whole.Length > 0)
            yield return new ReportSection("Held-out loss", "curves", new Dictionary<string, object?>
            {
                ["whole"] = curves.Whole,
                ["end"] = curves.End,
                ["endTitle"] = curves.EndTitle,
                ["dashes"] = curves.Rates.Select((rate, i) => new Dictionary<string, object?>
                {
                    ["dash"] = $"d{i % ComparisonCurves.Dashes}",
                    ["rate"] = Rate(rate),
                }).ToArray(),
            });
        yield return Runs(report, standings);
        if (report.Compressed.Count > 0)
            yield return CompressionPart.Section(report.Compressed,
                variant => ComparisonCurves.ColorOf(report, variant));
        var samples = standings.Ordered.Where(r => r.Sample is not null).ToArray();
        if (samples.Length > 0)
            yield return new ReportSection("What they write", "samples",
                new Dictionary<string, object?> { ["samples"] = samples.Select(r => Sample(report, r)).ToArray() });
        yield return report.Provenance.ToSection();
    }

    private static ReportSection Verdict(ComparisonReport report, ComparisonStandings standings)
    {
        var verdict = ComparisonVerdict.Of(report);
        return new ReportSection("", "verdict", new Dictionary<string, object?>
        {
            ["headline"] = verdict.Headline,
            ["remarks"] = verdict.Remarks,
            ["best"] = standings.Best.Select((b, i) => new Dictionary<string, object?>
            {
                ["color"] = ComparisonCurves.Color(report, b.Run),
                ["name"] = b.Run.Name,
                ["loss"] = Loss(b.Loss),
                ["behind"] = i == 0 ? "" : Difference(b.Loss - standings.Best[0].Loss),
                ["rate"] = Rate(b.Run.LearningRate),
            }).ToArray(),
        });
    }

    private static ReportSection Runs(ComparisonReport report, ComparisonStandings standings)
    {
        var best = standings is { IsComplete: true, Best.Count: > 1 } ? standings.Best[0].Run : null;
        var at = standings is { IsComplete: false, Best.Count: > 1 };
        return new ReportSection("Runs", "runs", new Dictionary<string, object?>
        {
            ["cache"] = report.Runs.Any(r => r.CacheBytesPerToken is not null),
            ["seeds"] = report.Runs.Select(r => r.Seed).Distinct().Count() > 1,
            ["at"] = at ? $"after {Count(standings.Tokens)} tokens" : "",
            ["order"] = standings.IsComplete && standings.IsEnough ? ""
                : at ? $"The table is sorted by the loss after {Count(standings.Tokens)} tokens, where all runs that "
                + $"have one compare; their last losses do not compare."
                : $"The runs stand as they were run: {(standings.IsEnough ? "their losses do not compare"
                    : "they took too few steps for their losses to compare")}.",
            ["runs"] = standings.Ordered.Select(r => new Dictionary<string, object?>
            {
                ["best"] = r == best,
                ["color"] = ComparisonCurves.Color(report, r),
                ["name"] = r.Name,
                ["rate"] = Rate(r.LearningRate),
                ["seed"] = r.Seed.ToString(System.Globalization.CultureInfo.InvariantCulture),
                ["at"] = Loss(standings.LossOf(r)),
                ["loss"] = Loss(r.LastHeldOutLoss),
                ["perplexity"] = r.LastHeldOutLoss is { } loss ? Perplexity(loss) : "–",
                ["train"] = Loss(r.Points is [.., var last] ? last.TrainingLoss : null),
                ["tokens"] = Count(r.Tokens),
                ["speed"] = r.TokensPerSecond is { } speed and > 0 ? Whole(speed) : "–",
                ["parameters"] = r.Parameters > 0 ? Count(r.Parameters) : "–",
                ["cache"] = r.CacheBytesPerToken is { } bytes ? Whole(bytes) : "–",
                ["spikes"] = Whole(r.Spikes),
                ["status"] = r.Status.InWords(),
            }).ToArray(),
        });
    }

    private static Dictionary<string, object?> Sample(ComparisonReport report, ComparisonRun run) => new()
    {
        ["color"] = ComparisonCurves.Color(report, run),
        ["name"] = run.Name,
        ["rate"] = Rate(run.LearningRate),
        ["loss"] = Loss(run.LastHeldOutLoss),
        ["prompt"] = run.Sample!.Prompt,
        ["text"] = run.Sample.Text,
    };

    private static string Perplexity(double loss) => Math.Exp(loss) is var value and < 1000
        ? value.ToString("0.0", System.Globalization.CultureInfo.InvariantCulture) : Count(Math.Exp(loss));
}
