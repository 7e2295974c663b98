using Crosshead.Reports.Charts;
using Crosshead.Reports.Pages;
using Crosshead.Training.Studies;

namespace Crosshead.Reports;

/// <summary>The held-out curves of a comparison: a colour a variant, a dash a learning rate.</summary>
internal sealed class ComparisonCurves
{
    /// <summary>How many dash patterns and how many colours besides the accent the page's style has.</summary>
    public const int Dashes = 4, Colors = 5;

    /// <summary>
    /// Draws the curves of the runs that have any; the enlarged ones up to where the standings compare.
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
        // A curve that shoots up would press all others flat: it ends where it leaves their range.
        Whole = Chart(runs.Select(r => Series(report, r, 0, long.MaxValue, r.Status == RunStatus.Diverged ? highest
            : double.MaxValue)), "Held-out loss by tokens trained on, whole run", logX: true);

        // Differences between variants are small beside the fall at the start.
        var to = standings.Best.Count > 1 ? standings.Tokens : sound.Select(r => r.Tokens).DefaultIfEmpty().Max();
        if (!standings.IsEnough) return;
        ChartSeries[] end = [.. sound.Select(r => Series(report, r, to / 2, to, double.MaxValue))];
        End = end.Any(s => s.Points.Count > 1) ? Chart(end, EndTitle = $"From {ReportNumbers.Count(to / 2)} to "
            + $"{ReportNumbers.Count(to)} tokens, enlarged", logX: false) : "";
    }

    /// <summary>All learning rates, lowest first; the place of a rate is its dash.</summary>
    public IReadOnlyList<double> Rates { get; }

    /// <summary>The whole curves over a logarithmic axis; empty when nothing was measured.</summary>
    public string Whole { get; }

    /// <summary>The second half of what can be compared, enlarged; empty when no run came that far.</summary>
    public string End { get; } = "";

    /// <summary>Which part of training <see cref="End"/> shows.</summary>
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
