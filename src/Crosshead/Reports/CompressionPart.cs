using Crosshead.Reports.Charts;
using Crosshead.Reports.Pages;
using static Crosshead.Reports.Pages.ReportNumbers;

namespace Crosshead.Reports;

/// <summary>
/// The section about models with a halved cache: their losses in a sentence, a table, bars and sample texts.
/// </summary>
internal static class CompressionPart
{
    /// <summary>Makes the section.</summary>
    /// <param name="runs">The models, at least one.</param>
    /// <param name="color">Returns the index of a variant's colour.</param>
    public static ReportSection Section(IReadOnlyList<CompressedRun> runs, Func<string, int> color)
    {
        var verdict = CompressionVerdict.Of(runs);
        return new ReportSection("Half the cache", "compression", new Dictionary<string, object?>
        {
            ["headline"] = verdict.Headline,
            ["remarks"] = verdict.Remarks,
            ["runs"] = runs.Select(r => new Dictionary<string, object?>
            {
                ["color"] = $"c{color(r.Variant)}",
                ["name"] = r.Name,
                ["rate"] = Rate(r.LearningRate),
                ["cacheBefore"] = Whole(r.CacheBytesBefore),
                ["cacheAfter"] = r.CacheBytesAfter is { } bytes ? Whole(bytes) : "–",
                ["before"] = Loss(r.LossBefore),
                ["svd"] = Loss(r.LossSvd),
                ["after"] = Loss(r.LossAfter),
                ["recovered"] = Loss(r.LossRecovered),
                ["tokens"] = r.RecoveryTokens > 0 ? Count(r.RecoveryTokens) : "–",
                ["samples"] = Samples(r),
            }).ToArray(),
            ["chart"] = new BarChart
            {
                Groups = [.. runs.Select(r => Bars(r, color(r.Variant))).Where(bars => bars.Length > 0)],
                Title = "What half the cache costs in held-out loss",
                XTitle = "held-out loss above the model as trained, nats a token",
            }.ToHtml(),
        });
    }

    private static ChartBar[] Bars(CompressedRun run, int color) => run.LossBefore is not { } before ? [] :
    [
        .. new[]
        {
            ("the paper's method", run.LossSvd), ("by the profile", run.LossAfter), ("recovered", run.LossRecovered),
        }
            .Select((stage, i) => (stage.Item1, Loss: stage.Item2, Shade: i)).Where(s => s.Loss is not null)
            .Select(s => new ChartBar($"{run.Name}, {s.Item1}", color, s.Shade, s.Loss!.Value - before)),
    ];

    private static Dictionary<string, object?>[] Samples(CompressedRun run) =>
    [
        .. new[]
        {
            ("as trained", run.SampleBefore), ("half the cache", run.SampleAfter), ("recovered", run.SampleRecovered),
        }
            .Where(s => s.Item2 is not null)
            .Select(s => new Dictionary<string, object?>
            {
                ["stage"] = s.Item1,
                ["prompt"] = s.Item2!.Prompt,
                ["text"] = s.Item2.Text,
            }),
    ];
}
