using System.Globalization;
using Crosshead.Evaluation.Results;
using Crosshead.Reports.Charts;
using Crosshead.Reports.Pages;

namespace Crosshead.Reports;

/// <summary>Makes the page of an evaluation: one table and one plot, as in arXiv 2601.19611, tables 2–5.</summary>
public static class EvaluationPage
{
    /// <summary>Returns the page as HTML.</summary>
    public static string Render(EvaluationReport report) =>
        ReportPage.Render(Title(report), report.Created, Sections(report));

    /// <summary>Writes the page to a file. The file is never half written.</summary>
    /// <exception cref="CrossheadException">The file cannot be written.</exception>
    public static void Write(EvaluationReport report, string path) => ReportPage.Write(Render(report), path);

    private static string Title(EvaluationReport report) =>
        report.Comparison.Models.Count == 1 ? $"{report.Comparison.Models[0]} evaluated"
        : $"{string.Join(", ", report.Comparison.Models.Skip(1))} beside {report.Comparison.Models[0]}";

    private static IEnumerable<ReportSection> Sections(EvaluationReport report)
    {
        yield return new ReportSection("", "verdict", new Dictionary<string, object?>
        {
            ["headline"] = EvaluationVerdict.Headline(report.Comparison),
            ["remarks"] = EvaluationVerdict.Remarks(report.Comparison).ToArray(),
            ["best"] = Array.Empty<object>(),
        });
        yield return new ReportSection("Task by task", "scores", new Dictionary<string, object?>
        {
            ["models"] = report.Comparison.Models.Select(
                (name, m) => new Dictionary<string, object?> { ["name"] = name, ["color"] = $"c{m % 6}" }).ToArray(),
            ["columns"] = (3 + report.Comparison.Models.Count).ToString(CultureInfo.InvariantCulture),
            ["compared"] = report.Comparison.Models.Count > 1,
            ["groups"] = report.Comparison.Groups.Select(g => new Dictionary<string, object?>
            {
                ["name"] = g.Name,
                ["rows"] = g.Rows.Select(r => Row(r, isMean: false))
                    .Concat(g.Mean is { } mean ? [Row(mean, isMean: true)] : []).ToArray(),
            }).ToArray(),
            ["mean"] = report.Comparison.Mean is { } all ? Row(all, isMean: true) : null,
        });
        if (Plot(report) is { Length: > 0 } svg)
            yield return new ReportSection("Scores", "plot", new Dictionary<string, object?>
            {
                ["note"] = "Percent of the samples that are answered rightly; the whiskers span 95 % intervals (1.96 "
                    + "standard errors). Models are compared on the same samples: a difference can be clear although "
                    + "the whiskers overlap.",
                ["chart"] = svg,
            });
        yield return report.Provenance.ToSection();
    }

    private static Dictionary<string, object?> Row(ComparedTask row, bool isMean) => new()
    {
        ["name"] = row.Name,
        ["measure"] = row.Measure,
        ["samples"] = isMean ? $"{row.Samples} tasks" : ReportNumbers.Whole(row.Samples),
        ["mean"] = isMean,
        ["cells"] = row.Scores.Select((s, m) => new Dictionary<string, object?>
        {
            ["value"] = EvaluationVerdict.Value(row, m),
            ["error"] = double.IsFinite(s.StandardError) ? "± "
                + s.StandardError.ToString(row.LowerIsBetter ? "0.000" : "0.00", CultureInfo.InvariantCulture) : "",
            ["difference"] = EvaluationVerdict.Difference(row, m),
        }).ToArray(),
    };

    private static string Plot(EvaluationReport report)
    {
        var groups = report.Comparison.Groups.Select(g => new DotGroup(g.Name,
            [.. g.Rows.Where(r => !r.LowerIsBetter).Select(Dots)])).Where(g => g.Rows.Count > 0).ToList();
        if (report.Comparison.Mean is { } mean) groups.Add(new DotGroup("all", [Dots(mean)]));
        return new DotChart
        {
            Title = "Scores by task",
            XTitle = "percent",
            Series = report.Comparison.Models,
            Groups = groups,
        }.ToHtml();
    }

    private static DotRow Dots(ComparedTask row) =>
        new(row.Name,
            [.. row.Scores.Select(s => (s.Value, double.IsFinite(s.StandardError) ? 1.96 * s.StandardError : 0))]);
}
