using System.Globalization;
using Crosshead.Reports.Charts;
using Crosshead.Reports.Pages;

namespace Crosshead.Reports.Serving;

/// <summary>Makes the page of a load test: a table, and plots of throughput and latency as the load grows.</summary>
public static class ServingPage
{
    /// <summary>Returns the page as HTML.</summary>
    public static string Render(ServingReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        return ReportPage.Render($"{report.Model} under load", report.Created, Sections(report));
    }

    /// <summary>Writes the page to a file. The file is never half written.</summary>
    /// <exception cref="CrossheadException">The file cannot be written.</exception>
    public static void Write(ServingReport report, string path) => ReportPage.Write(Render(report), path);

    private static IEnumerable<ReportSection> Sections(ServingReport report)
    {
        yield return new ReportSection("", "verdict", new Dictionary<string, object?>
        {
            ["headline"] = Headline(report.Cases),
            ["remarks"] = report.Remarks.Prepend(report.Setting).ToArray(),
            ["best"] = Array.Empty<object>(),
        });
        yield return new ReportSection("Case by case", "serving", new Dictionary<string, object?>
        {
            ["cases"] = report.Cases.Select(Row).ToArray(),
        });
        ServingCase[] measured = [.. report.Cases.Where(c => c.Done > 0).OrderBy(c => c.Concurrency)];
        if (measured.Length > 1)
        {
            yield return Plot("Throughput against latency", "Each point is a case. Further up is more work per second, "
                + "further left is a shorter wait for each token.", new LineChart
                {
                    Title = "Output tokens per second by the median time per output token",
                    XTitle = "median time per output token, ms",
                    YTitle = "output tokens/s",
                    XFormat = Milliseconds,
                    YFormat = ReportNumbers.Count,
                    Series = [new ChartSeries("throughput", 0, 0, [.. measured.Select(Place)])
                    {
                        Tip = point => measured.First(c => Place(c) == point).Name,
                    }],
                });
            yield return ByLoad("Throughput by load", "output tokens/s", ReportNumbers.Count,
                new ChartSeries("throughput", 0, 0, Points(measured, c => c.OutputThroughput)));
            yield return ByLoad("Time to the first text by load", "ms", Milliseconds,
                new ChartSeries("median", 0, 0, Points(measured, c => c.TimeToFirstToken.Median)),
                new ChartSeries("99 %", 1, 1, Points(measured, c => c.TimeToFirstToken.P99)));
            yield return ByLoad("Time between two chunks by load", "ms", Milliseconds,
                new ChartSeries("median", 0, 0, Points(measured, c => c.InterTokenLatency.Median)),
                new ChartSeries("99 %", 1, 1, Points(measured, c => c.InterTokenLatency.P99)));
        }
        yield return report.Provenance.ToSection();
    }

    private static (double X, double Y) Place(ServingCase c) => (c.TimePerOutputToken.Median, c.OutputThroughput);

    private static string Headline(IReadOnlyList<ServingCase> cases) =>
        cases.Where(c => c.Done > 0).MaxBy(c => c.OutputThroughput) is not { } best
        ? "No request was answered."
        : $"At most {ReportNumbers.Count(best.OutputThroughput)} output tokens per second ({best.Name}). "
            + $"Half of the answers then began within {Milliseconds(best.TimeToFirstToken.Median)} ms.";

    private static Dictionary<string, object?> Row(ServingCase row) => new()
    {
        ["name"] = row.Name,
        ["done"] = ReportNumbers.Whole(row.Done),
        ["failed"] = ReportNumbers.Whole(row.Failed),
        ["rejected"] = ReportNumbers.Whole(row.Rejected),
        ["requests"] = row.RequestThroughput.ToString("0.00", CultureInfo.InvariantCulture),
        ["output"] = ReportNumbers.Whole(row.OutputThroughput),
        ["total"] = ReportNumbers.Whole(row.TotalThroughput),
        ["first"] = Pair(row.TimeToFirstToken),
        ["token"] = Pair(row.TimePerOutputToken),
        ["gap"] = Pair(row.InterTokenLatency),
    };

    private static ReportSection ByLoad(string heading, string unit, Func<double, string> format,
        params ChartSeries[] lines) => Plot(heading, "By the number of requests that are open at once.", new LineChart
        {
            Title = heading,
            XTitle = "requests at once",
            YTitle = unit,
            LogX = true,
            XFormat = ReportNumbers.Count,
            YFormat = format,
            Series = lines,
        });

    private static ReportSection Plot(string heading, string note, LineChart chart) => new(heading, "plot",
        new Dictionary<string, object?> { ["note"] = note, ["chart"] = chart.ToHtml() });

    private static (double X, double Y)[] Points(IEnumerable<ServingCase> cases, Func<ServingCase, double> value) =>
        [.. cases.Select(c => ((double)c.Concurrency, value(c)))];

    private static string Pair(ServingLatency latency) => $"{Milliseconds(latency.Median)} / "
        + Milliseconds(latency.P99);

    private static string Milliseconds(double value) => !double.IsFinite(value) ? "–"
        : value.ToString(value < 10 ? "0.00" : value < 100 ? "0.0" : "#,0", CultureInfo.InvariantCulture);
}
