using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Cli.LoadTesting.Measures;
using Crosshead.Files;
using Crosshead.Reports.Pages;
using Crosshead.Reports.Serving;

namespace Crosshead.Cli.LoadTesting;

/// <summary>The files of a load test: its results as JSON, and a page with plots.</summary>
internal static class LoadReport
{
    /// <summary>The names of the files.</summary>
    public const string Results = "results.json", Page = "report.html";

    private static readonly JsonSerializerOptions s_format = new() { WriteIndented = true };

    /// <summary>Writes the files to a folder.</summary>
    /// <param name="folder">The folder; made if it does not exist.</param>
    /// <param name="json">The results.</param>
    /// <param name="report">The page.</param>
    /// <exception cref="CrossheadException">A file cannot be written.</exception>
    public static void Write(string folder, JsonObject json, ServingReport report)
    {
        AtomicFile.WriteText(Path.Combine(folder, Results), json.ToJsonString(s_format) + "\n");
        ServingPage.Write(report, Path.Combine(folder, Page));
    }

    /// <summary>The content of the page.</summary>
    public static ServingReport Of(LoadTest test, IReadOnlyList<(LoadCase Case, LoadMetrics Metrics)> cases,
        IReadOnlyList<string> remarks, DateTimeOffset created, ReportProvenance provenance) =>
        new(test.Form.Model, $"Data set {test.Dataset}. Prompts are sent as {test.PromptForm}.", remarks,
            [.. cases.Select(c => Of(c.Case, c.Metrics))], created, provenance);

    private static ServingCase Of(LoadCase plan, LoadMetrics metrics) => new()
    {
        Name = plan.Name,
        Concurrency = Math.Min(plan.Concurrency ?? plan.Requests, plan.Requests),
        Done = metrics.Done,
        Failed = metrics.Failed,
        Rejected = metrics.Rejected,
        RequestThroughput = metrics.RequestThroughput,
        OutputThroughput = metrics.OutputThroughput,
        TotalThroughput = metrics.TotalThroughput,
        TimeToFirstToken = Of(metrics.TimeToFirstToken),
        TimePerOutputToken = Of(metrics.TimePerOutputToken),
        InterTokenLatency = Of(metrics.InterTokenLatency),
    };

    private static ServingLatency Of(LatencySummary summary) => new(summary.Median, summary.P99);
}
