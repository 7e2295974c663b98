using System.Globalization;
using Crosshead.Cli.LoadTesting.Measures;
using Crosshead.Cli.Terminal;

namespace Crosshead.Cli.LoadTesting;

/// <summary>The results of a load test as tables.</summary>
internal static class LoadTables
{
    /// <summary>A row per case: how many requests ended how, and the throughput.</summary>
    public static ResultTable Throughput(IReadOnlyList<(LoadCase Case, LoadMetrics Metrics)> cases)
    {
        var good = cases.Any(c => c.Metrics.Goodput is not null);
        string[] headers = ["case", "done>", "failed>", "rejected>", "seconds>", "requests/s>", "output tokens/s>",
            "all tokens/s>"];
        var table = new ResultTable(good ? [.. headers, "good/s>"] : headers);
        foreach (var (plan, m) in cases)
        {
            string[] cells = [plan.Name, $"{m.Done}", $"{m.Failed}", $"{m.Rejected}", Number(m.Seconds),
                Number(m.RequestThroughput), Number(m.OutputThroughput), Number(m.TotalThroughput)];
            table.Row(good ? [.. cells, Number(m.Goodput ?? double.NaN)] : cells);
        }
        return table;
    }

    /// <summary>Four rows per case: the latencies, in milliseconds.</summary>
    public static ResultTable Latencies(IReadOnlyList<(LoadCase Case, LoadMetrics Metrics)> cases)
    {
        var table = new ResultTable("case", "milliseconds", "mean>", "median>", "p90>", "p99>", "longest>");
        foreach (var (plan, m) in cases.Where(c => c.Metrics.Done > 0))
        {
            Add(plan.Name, "first text (TTFT)", m.TimeToFirstToken);
            Add("", "per token after it (TPOT)", m.TimePerOutputToken);
            Add("", "between chunks (ITL)", m.InterTokenLatency);
            Add("", "whole answer (E2EL)", m.EndToEndLatency);
        }
        return table;

        void Add(string name, string what, LatencySummary l) => table.Row(name, what, Number(l.Mean), Number(l.Median),
            Number(l.P90), Number(l.P99), Number(l.Longest));
    }

    private static string Number(double value) => !double.IsFinite(value) ? "–"
        : value.ToString(value < 100 ? "0.00" : "0", CultureInfo.InvariantCulture);
}
