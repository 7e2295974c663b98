using Crosshead.Reports.Charts;
using Crosshead.Reports.Pages;
using Crosshead.Training.Studies;

namespace Crosshead.Reports;

/// <summary>
/// The held-out curves of a comparison. Each variant has its colour, each learning rate its dash pattern.
/// </summary>
internal sealed class ComparisonCurves
{
    /// <summary>Number of dash patterns, and number of colours besides the accent, in the page's style.</summary>
    public const int Dashes = 4, Colors = 5;

    /// <summary>
    /// Draws the curves of all measured runs. The enlarged curves end at the tokens after which the runs are compared.
    /// With fewer than two ranked variants, they end with the longest run.
    /// </summary>
    public ComparisonCurves(ComparisonReport report, ComparisonStandings standings)
    {
        Rates = [.. report.Runs.Select(r => r.LearningRate).Distinct().Order()];
        // The subject is drawn last, on top of the others.
        var runs = report.Runs.OrderBy(r => r.Variant == report.Subject).ToArray();
        var sound = runs.Where(r => r.Status != RunStatus.Diverged).ToArray();
        var highest = sound.SelectMany(r => r.Points)
            .Where(p => p.Tokens > 0 && double.IsFinite(p.HeldOutLoss ?? double.NaN))
            .Select(p => p.HeldOutLoss!.Value).DefaultIfEmpty(double.MaxValue).Max();
        // A diverged curve ends where it leaves the range of the others; it would press them flat.
        Whole = Chart(runs.Select(r => Series(report, r, 0, long.MaxValue, r.Status == RunStatus.Diverged ? highest
            : double.MaxValue)), "Held-out loss by tokens trained on, whole run", logX: true);

        // The enlarged chart leaves out the steep fall at the start, which hides the differences between variants.
        var to = standings.Best.Count > 1 ? standings.Tokens : sound.Select(r => r.Tokens).DefaultIfEmpty().Max();
        if (!standings.IsEnough) return;
        ChartSeries[] end = [.. sound.Select(r => Series(report, r, to / 2, to, double.MaxValue))];
        End = end.Any(s => s.Points.Count > 1) ? Chart(end, EndTitle = $"From {ReportNumbers.Count(to / 2)} to "
            + $"{ReportNumbers.Count(to)} tokens, enlarged", logX: false) : "";
    }

    /// <summary>All learning rates, lowest first. The index of a rate selects its dash pattern.</summary>
    public IReadOnlyList<double> Rates { get; }

    /// <summary>The chart of the whole curves on a logarithmic axis; empty if nothing was measured.</summary>
    public string Whole { get; }

    /// <summary>
    /// The enlarged chart of the second half of the compared tokens. Empty if the runs are too short to compare, or if
    /// no run has two points there.
    /// </summary>
    public string End { get; } = "";

    /// <summary>The title of <see cref="End"/> with the tokens that the chart shows.</summary>
    public string EndTitle { get; } = "";

    /// <summary>The colour class of a run's variant: <c>c0</c>, the accent, for the report's subject.</summary>
    public static string Color(ComparisonReport report, ComparisonRun run) => "c" + ColorOf(report, run.Variant);

    /// <summary>The index of a variant's colour.</summary>
    public static int ColorOf(ComparisonReport report, string variant) => variant == report.Subject ? 0
        : 1 + report.Runs.Select(r => r.Variant).Where(v => v != report.Subject).Distinct().ToList()
            .IndexOf(variant) % Colors;

    private ChartSeries Series(ComparisonReport report, ComparisonRun run, long from, long to, double highest) => new(
        $"{run.Name} {ReportNumbers.Rate(run.LearningRate)}"
            + (run.Status is RunStatus.Diverged or RunStatus.Interrupted ? $", {run.Status.InWords()}" : ""),
        ColorOf(report, run.Variant),
        Rates.ToList().IndexOf(run.LearningRate) % Dashes,
        [.. run.Points.Where(p => p.HeldOutLoss is not null && p.Tokens >= from && p.Tokens <= to)
            .Select(p => ((double)p.Tokens, p.HeldOutLoss!.Value)).TakeWhile(p => p.Value <= highest || p.Item1 <= 0)]);

    private static string Chart(IEnumerable<ChartSeries> series, string title, bool logX) => new LineChart
    {
        Series = [.. series],
        Title = title,
        XTitle = "tokens trained on" + (logX ? " (logarithmic)" : ""),
        YTitle = "held-out loss, nats a token",
        LogX = logX,
    }.ToHtml();
}
