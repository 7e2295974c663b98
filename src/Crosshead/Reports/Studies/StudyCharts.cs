using static Crosshead.Reports.ReportNumbers;

namespace Crosshead.Reports.Studies;

/// <summary>The charts of a study (the paper's figures 2 to 7). In a variant's own charts its chosen rate has the accent colour.</summary>
internal sealed class StudyCharts(StudyReport report)
{
    private const string Tokens = "tokens trained on (logarithmic)", HeldOut = "held-out loss, nats a token";

    /// <summary>The final loss by the rate, a line a variant, crosses where a rate is not stable.</summary>
    public string LossByRate()
    {
        // A rate that learns far worse would press all others flat: it stands at the upper edge.
        var stable = report.Variants.SelectMany(v => v.Rates).Where(r => r.Stable == true).Select(r => r.HeldOutLoss!.Value).ToArray();
        var top = stable.Length == 0 ? double.MaxValue : stable.Min() + Math.Max(3 * (stable.Max() - stable.Min()), 0.1 * stable.Min());
        double Shown(StudyReportRate rate) => rate.HeldOutLoss is { } loss && loss <= top ? loss : rate.Stable == false && stable.Length > 0 ? top : double.NaN;
        var series = report.Variants.SelectMany(v => new[]
        {
            new ChartSeries(v.Name, report.ColorOf(v.Name), 0, [.. v.Rates.Select(r => (r.LearningRate, Shown(r)))]),
            new ChartSeries($"{v.Name}, not stable", report.ColorOf(v.Name), 0, [.. v.Rates.Where(r => r.Stable == false).Select(r => (r.LearningRate, Shown(r)))]) { Drawn = ChartPoints.Crosses },
        });
        return Chart(series, "Final held-out loss by learning rate", "learning rate (logarithmic)", Rate);
    }

    /// <summary>The curves of all variants, each at its chosen rate.</summary>
    public string Chosen() => Chart(report.Variants.Where(v => v.Chosen is not null).OrderBy(v => v.Name == report.Subject).SelectMany(v =>
        v.Runs.Where(r => r.LearningRate == v.Chosen!.LearningRate).Select(r => new ChartSeries(Label(r, v.Name + " "), report.ColorOf(v.Name), 0, r.Points))), "Held-out loss at the chosen learning rates", Tokens, Count);

    /// <summary>The curves of a variant, a colour a rate; crosses where the training loss began to spike.</summary>
    public string Curves(StudyReportVariant variant)
    {
        var sound = variant.Runs.Where(r => r.Status != RunStatus.Diverged).SelectMany(r => r.Points).Select(p => p.Loss).Where(double.IsFinite).DefaultIfEmpty(double.MaxValue).Max();
        return Chart(Ordered(variant).SelectMany(r => new[]
        {
            new ChartSeries(Label(r), Color(variant, r), Dash(variant, r), [.. r.Points.TakeWhile(p => p.Loss <= sound)]),
            new ChartSeries($"{Rate(r.LearningRate)}, a spike of the training loss begins", Color(variant, r), 0, [.. r.SpikesAt.Select(t => (t, LossAt(r, t))).Where(p => p.Item2 <= sound)]) { Drawn = ChartPoints.Crosses },
        }), $"Held-out loss of {variant.Name}", Tokens, Count);
    }

    /// <summary>The fitted laws of a variant with their bands over the points; empty where there is none.</summary>
    public string Fits(StudyReportVariant variant)
    {
        var fitted = Ordered(variant).Where(r => r.Fit is not null).ToArray();
        return Chart(fitted.SelectMany(r => new[]
        {
            new ChartSeries(Label(r), Color(variant, r), Dash(variant, r), [.. r.Fit!.Curve.Select(c => (c.Tokens, c.Loss.Value))])
            {
                Band = [.. r.Fit.Curve.Select(c => (c.Tokens, c.Loss.Low, c.Loss.High))],
                Drawn = ChartPoints.Line,
            },
            new ChartSeries(Rate(r.LearningRate), Color(variant, r), 0, [.. r.Points.Where(p => p.Tokens >= r.Fit.Curve[0].Tokens)]) { Drawn = ChartPoints.Dots },
        }), $"Fits to the held-out loss of {variant.Name}", Tokens, Count);
    }

    // The chosen rate last, on top of the others.
    private static IEnumerable<StudyReportRun> Ordered(StudyReportVariant variant) => variant.Runs.OrderBy(r => r.LearningRate == variant.Chosen?.LearningRate);

    private static int Color(StudyReportVariant variant, StudyReportRun run) => run.LearningRate == variant.Chosen?.LearningRate ? 0
        : 1 + (Place(variant, run) % ComparisonCurves.Colors);

    private static int Dash(StudyReportVariant variant, StudyReportRun run) => Place(variant, run) / ComparisonCurves.Colors % ComparisonCurves.Dashes;

    private static int Place(StudyReportVariant variant, StudyReportRun run) => variant.Rates.ToList().FindIndex(r => r.LearningRate == run.LearningRate);

    private string Label(StudyReportRun run, string before = "") => before + Rate(run.LearningRate)
        + (report.Seeds ? $", seed {run.Seed}" : "")
        + run.Status switch { RunStatus.Diverged => ", diverged", RunStatus.Stopped => ", stopped", RunStatus.Failed => ", failed", _ => "" };

    // Where the curve is when something happens between two evaluations.
    private static double LossAt(StudyReportRun run, double tokens)
    {
        var (before, after) = (run.Points.LastOrDefault(p => p.Tokens <= tokens), run.Points.FirstOrDefault(p => p.Tokens > tokens));
        if (before.Tokens == 0 || after.Tokens == 0) return double.NaN;
        // Straight over the logarithmic axis.
        var share = Math.Log(tokens / before.Tokens) / Math.Log(after.Tokens / before.Tokens);
        return before.Loss + (share * (after.Loss - before.Loss));
    }

    private static string Chart(IEnumerable<ChartSeries> series, string title, string x, Func<double, string> format) => series.ToArray() is { Length: > 0 } drawn
        ? new LineChart { Series = drawn, Title = title, XTitle = x, YTitle = HeldOut, LogX = true, XFormat = format }.ToSvg()
        : "";
}
