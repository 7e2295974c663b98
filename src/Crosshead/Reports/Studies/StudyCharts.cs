using Crosshead.Reports.Charts;
using Crosshead.Reports.Pages;
using Crosshead.Training.Studies;
using static Crosshead.Reports.Pages.ReportNumbers;

namespace Crosshead.Reports.Studies;

/// <summary>
/// The charts of a study (the paper's figures 2 to 7). In the charts of a single variant, its chosen rate has the
/// accent colour.
/// </summary>
internal sealed class StudyCharts(StudyReport report)
{
    private const string Tokens = "tokens trained on (logarithmic)", HeldOut = "held-out loss, nats a token";

    // Final losses above this multiple of the lowest are off the chart; they would press the others flat.
    private const double MostShown = 1.25;

    /// <summary>
    /// The final loss by learning rate, with one line per variant. Crosses mark rates that are not stable. If the loss
    /// is off the chart, its cross is at the upper edge.
    /// </summary>
    public string LossByRate()
    {
        var rates = report.Variants.SelectMany(v => v.Rates).ToArray();
        var lowest = rates.Select(r => r.HeldOutLoss).Where(l => l is { } loss && double.IsFinite(loss))
            .Min() ?? double.NaN;
        bool Fits(RateStanding rate) => rate.HeldOutLoss <= MostShown * lowest;
        var edge = rates.Where(Fits).Select(r => r.HeldOutLoss!.Value).DefaultIfEmpty(double.NaN).Max();
        var step = 0.08 * (edge - lowest); // so that no cross hides another
        var series = report.Variants.SelectMany((v, i) => new[]
        {
            new ChartSeries(v.Variant, report.ColorOf(v.Variant), 0,
                [.. v.Rates.Where(Fits).Select(r => (r.LearningRate, r.HeldOutLoss!.Value))]),
            new ChartSeries(v.Variant, report.ColorOf(v.Variant), 0, [.. v.Rates.Where(r => r.Stable == false)
                .Select(r => (r.LearningRate, Fits(r) ? r.HeldOutLoss!.Value : edge + ((i + 1) * step)))])
            {
                Drawn = ChartPoints.Crosses,
                Tip = p => v.Rates.First(r => r.LearningRate == p.X) is var r && r.HeldOutLoss is { } loss
                    ? $"{v.Variant}: {Loss(loss)} at {Rate(p.X)}, {r.Why}" : $"{v.Variant} at {Rate(p.X)}: {r.Why}",
            },
        });
        return Chart(series, "Final held-out loss by learning rate", "learning rate (logarithmic)", Rate, inset: 24);
    }

    /// <summary>The curves of all variants at their chosen rates.</summary>
    public string Chosen() => Chart(report.Variants.Where(v => v.LargestStable is not null)
        .OrderBy(v => v.Variant == report.Subject).SelectMany(v =>
            v.Runs.Where(r => r.LearningRate == v.LargestStable!.LearningRate)
            .Select(r => new ChartSeries(Label(r, v.Variant + " "), report.ColorOf(v.Variant), 0, r.Curve))),
            "Held-out loss at the chosen learning rates", Tokens, Count);

    /// <summary>
    /// What all variants recalled during training, at their chosen rates; empty if it was measured once.
    /// </summary>
    public string Recalled() => Chart(report.Variants.Where(v => v.LargestStable is not null).SelectMany(v =>
        v.Runs.Where(r => r.LearningRate == v.LargestStable!.LearningRate && r.RecallCurve.Count > 1)
        .Select(r => new ChartSeries(Label(r, v.Variant + " "), report.ColorOf(v.Variant), 0,
            [.. r.RecallCurve.Select(p => (p.Tokens, 100 * p.Share))]))),
            "Recall during training", Tokens, Count, "right answers, per cent");

    /// <summary>The curves of a variant, one colour per rate. Crosses mark where training loss spikes begin.</summary>
    public string Curves(RateChoice variant)
    {
        // Points above the range of the stable curves are left out; they would press the other curves flat.
        var stable = variant.Runs.Where(r => variant.Rates.Any(
            s => s.LearningRate == r.LearningRate && s.Stable == true)).SelectMany(r => r.Curve).Select(p => p.Loss);
        var sound = stable.DefaultIfEmpty(double.MaxValue).Max();
        return Chart(Ordered(variant).SelectMany(r => new[]
        {
            new ChartSeries(Label(r), Color(variant, r), Dash(variant, r),
                [.. r.Curve.Select(p => (p.Tokens, p.Loss <= sound ? p.Loss : double.NaN))]),
            new ChartSeries($"{Rate(r.LearningRate)}, a spike of the training loss begins", Color(variant, r), 0,
                [.. r.SpikesAt.Select(t => (t, LossAt(r, t))).Where(p => p.Item2 <= sound)])
            {
                Drawn = ChartPoints.Crosses,
            },
        }), $"Held-out loss of {variant.Variant}", Tokens, Count);
    }

    /// <summary>The fitted laws of a variant with their bands and points; empty if there is no fit.</summary>
    public string Fits(RateChoice variant)
    {
        var fitted = Ordered(variant).Where(r => r.Fit is not null).ToArray();
        return Chart(fitted.SelectMany(r => new[]
        {
            new ChartSeries(Label(r), Color(variant, r), Dash(variant, r),
                [.. r.Fit!.Curve.Select(c => (c.Tokens, c.Loss.Value))])
            {
                Band = [.. r.Fit.Curve.Select(c => (c.Tokens, c.Loss.Low, c.Loss.High))],
                Drawn = ChartPoints.Line,
            },
            new ChartSeries(Rate(r.LearningRate), Color(variant, r), 0,
                [.. r.Curve.Where(p => p.Tokens >= r.Fit.Curve[0].Tokens)])
            {
                Drawn = ChartPoints.Dots,
            },
        }), $"Fits to the held-out loss of {variant.Variant}", Tokens, Count);
    }

    // The chosen rate is last, so that its curve is on top.
    private static IEnumerable<StudyRun> Ordered(RateChoice variant) =>
        variant.Runs.OrderBy(r => r.LearningRate == variant.LargestStable?.LearningRate);

    private static int Color(RateChoice variant, StudyRun run) =>
        run.LearningRate == variant.LargestStable?.LearningRate ? 0
        : 1 + (Place(variant, run) % ComparisonCurves.Colors);

    private static int Dash(RateChoice variant, StudyRun run) =>
        Place(variant, run) / ComparisonCurves.Colors % ComparisonCurves.Dashes;

    private static int Place(RateChoice variant, StudyRun run) =>
        variant.Rates.ToList().FindIndex(r => r.LearningRate == run.LearningRate);

    private string Label(StudyRun run, string before = "") => before + Rate(run.LearningRate)
        + (report.Seeds ? $", seed {run.Seed}" : "")
        + (run.Status is RunStatus.Diverged or RunStatus.Interrupted or RunStatus.Failed
            ? $", {run.Status.InWords()}" : "");

    // The loss of the curve at a point between two evaluations; NaN if there is no evaluation on one side.
    private static double LossAt(StudyRun run, double tokens)
    {
        var (before, after) = (run.Curve.LastOrDefault(p => p.Tokens <= tokens),
            run.Curve.FirstOrDefault(p => p.Tokens > tokens));
        if (before.Tokens == 0 || after.Tokens == 0) return double.NaN;
        // Linear in the logarithm of the tokens.
        var share = Math.Log(tokens / before.Tokens) / Math.Log(after.Tokens / before.Tokens);
        return before.Loss + (share * (after.Loss - before.Loss));
    }

    private static string Chart(IEnumerable<ChartSeries> series, string title, string x, Func<double, string> format,
        string y = HeldOut, double inset = 0) => series.ToArray() is { Length: > 0 } drawn
        ? new LineChart
        {
            Series = drawn,
            Title = title,
            XTitle = x,
            YTitle = y,
            LogX = true,
            XFormat = format,
            Inset = inset,
        }.ToHtml()
        : "";
}
