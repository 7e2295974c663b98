using System.Globalization;
using Crosshead.Reports.Pages;
using Crosshead.Training.Studies;
using static Crosshead.Reports.Pages.ReportNumbers;

namespace Crosshead.Reports.Studies;

/// <summary>
/// Makes the page of a study of learning rates. The page has a verdict, losses by rate, chosen rates, curves, fits,
/// runs, and how to get the same numbers again.
/// </summary>
public static class StudyPage
{
    /// <summary>Returns the page as HTML. Runs that did not finish are marked.</summary>
    public static string Render(StudyReport report) =>
        ReportPage.Render("Learning rates compared", report.Created, Sections(report));

    /// <summary>Writes the page to a file. The file is never half written.</summary>
    /// <exception cref="CrossheadException">The file cannot be written.</exception>
    public static void Write(StudyReport report, string path) => ReportPage.Write(Render(report), path);

    private static IEnumerable<ReportSection> Sections(StudyReport report)
    {
        var charts = new StudyCharts(report);
        yield return Verdict(report);
        if (report.OfLowestLoss && StudyModels.Of(report).Section() is { } models) yield return models;
        foreach (var section in new[]
        {
            Plots("Loss by learning rate", "Held-out loss at the end of each run, mean over the seeds; a cross is a "
                + "rate that is not stable, at the upper edge where its loss is off the chart. " + report.Rule,
                [("", charts.LossByRate())]),
            Plots("Every variant at its chosen rate", report.OfLowestLoss ? "The rate of the lowest loss of each."
                : "Constant rate after a linear warm-up, the largest stable one of each variant.",
                [("", charts.Chosen())]),
            Plots("Recall during training", "Right answers in texts that no training has, averaged over the recall "
                + "tasks, at the chosen rates.", [("", charts.Recalled())]),
            Plots("Curves", "Loss on text that no run was trained on; the chosen rate is in the accent colour, a cross "
                + "is where the training loss began to spike. Where a curve is above all those of stable rates it is "
                + "left out.", [.. report.Variants.Select(v => (v.Variant, charts.Curves(v)))]),
        })
        {
            if (section is not null) yield return section;
        }
        if (!report.OfLowestLoss) yield return Fits(report, charts);
        yield return Runs(report);
        yield return report.Provenance.ToSection();
    }

    private static ReportSection Verdict(StudyReport report)
    {
        var (verdict, best) = (StudyVerdict.Of(report), StudyVerdict.Standings(report));
        return new ReportSection("", "verdict", new Dictionary<string, object?>
        {
            ["headline"] = verdict.Headline,
            ["remarks"] = verdict.Remarks,
            ["best"] = best.Select((v, i) => new Dictionary<string, object?>
            {
                ["color"] = Color(report, v.Variant),
                ["name"] = v.Variant,
                ["loss"] = Loss(v.LargestStable!.HeldOutLoss),
                ["behind"] = i == 0 ? ""
                    : Difference(v.LargestStable.HeldOutLoss!.Value - best[0].LargestStable!.HeldOutLoss!.Value),
                ["rate"] = Rate(v.LargestStable.LearningRate),
            }).ToArray(),
        });
    }

    private static ReportSection? Plots(string heading, string note,
        IEnumerable<(string Caption, string Chart)> plots) => Drawn(plots) is { Length: > 0 } drawn
        ? new ReportSection(heading, "plots", new Dictionary<string, object?> { ["note"] = note, ["plots"] = drawn })
        : null;

    private static Dictionary<string, object?>[] Drawn(IEnumerable<(string Caption, string Chart)> plots) =>
        [.. plots.Where(p => p.Chart.Length > 0)
            .Select(p => new Dictionary<string, object?> { ["caption"] = p.Caption, ["chart"] = p.Chart })];

    private static ReportSection Fits(StudyReport report, StudyCharts charts) =>
        new("Fits", "study-fits", new Dictionary<string, object?>
        {
            ["plots"] = Drawn(report.Variants.Select(v => (v.Variant, charts.Fits(v)))),
            ["seeds"] = report.Seeds,
            ["runs"] = report.Runs.Select(r => Row(report, r, r.Fit is { } fit ? new Dictionary<string, object?>
            {
                ["refusal"] = "",
                ["alpha"] = Three(fit.Alpha.Value),
                ["alphaRange"] = Range(fit.Alpha, Three),
                ["scale"] = Count(fit.DataScale.Value),
                ["scaleRange"] = Range(fit.DataScale, Count),
                ["floor"] = Loss(fit.Floor.Value),
                ["floorRange"] = Range(fit.Floor, v => Loss(v)),
                ["noise"] = fit.Noise.ToString("0.0000", CultureInfo.InvariantCulture),
                ["points"] = $"{fit.Used.Count} of {r.Curve.Count}",
            }
            : new Dictionary<string, object?> { ["refusal"] = r.FitRefusal ?? "there is no curve" })).ToArray(),
        });

    private static ReportSection Runs(StudyReport report) => new("Runs", "study-runs", new Dictionary<string, object?>
    {
        ["note"] = report.Rule,
        ["seeds"] = report.Seeds,
        ["failures"] = report.Runs.Where(r => r.Reason is not null).Select(r =>
            $"{r.Variant} at {Rate(r.LearningRate)}{(report.Seeds ? $", seed {r.Seed}" : "")}: {r.Reason}").ToArray(),
        ["runs"] = report.Variants.SelectMany(v => v.Runs.Select(r => Row(report, r, new Dictionary<string, object?>
        {
            ["best"] = r.LearningRate == v.LargestStable?.LearningRate,
            ["loss"] = Loss(r.HeldOutLoss),
            ["spikes"] = Whole(r.SpikeSteps),
            ["speed"] = r.TokensPerSecond is { } speed ? Whole(speed) : "–",
            ["status"] = r.Status.InWords(),
            ["stable"] = Words(v, v.Rates.First(s => s.LearningRate == r.LearningRate)),
        }))).ToArray(),
    });

    private static string Words(RateChoice variant, RateStanding rate) => rate.Stable switch
    {
        true => rate == variant.LargestStable ? "yes, chosen" : "yes",
        false => $"no: {rate.Why}",
        null => "–",
    };

    private static Dictionary<string, object?> Row(StudyReport report, StudyRun run, Dictionary<string, object?> cells)
    {
        cells["color"] = Color(report, run.Variant);
        cells["name"] = run.Variant;
        cells["rate"] = Rate(run.LearningRate);
        cells["seed"] = run.Seed.ToString(CultureInfo.InvariantCulture);
        return cells;
    }

    private static string Color(StudyReport report, string variant) => $"c{report.ColorOf(variant)}";

    private static string Three(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Range(Estimate estimate, Func<double, string> format) =>
        $"{format(estimate.Low)} … {format(estimate.High)}";
}
