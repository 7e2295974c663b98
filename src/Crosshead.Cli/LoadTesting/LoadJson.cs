using System.Text.Json.Nodes;
using Crosshead.Cli.LoadTesting.Measures;
using Crosshead.Cli.Terminal;

namespace Crosshead.Cli.LoadTesting;

/// <summary>The results of a load test as JSON.</summary>
internal static class LoadJson
{
    /// <summary>A case with its measures. Times are in milliseconds if their name ends with <c>Ms</c>.</summary>
    public static JsonObject Of(LoadResult result, LoadMetrics metrics) => new()
    {
        ["name"] = result.Case.Name,
        ["concurrency"] = result.Case.Concurrency,
        ["requestRate"] = CommandOutput.Number(result.Case.Rate),
        ["burstiness"] = CommandOutput.Number(result.Case.Burstiness),
        ["requests"] = result.Case.Requests,
        ["done"] = metrics.Done,
        ["failed"] = metrics.Failed,
        ["rejected"] = metrics.Rejected,
        ["cancelled"] = metrics.Cancelled,
        ["seconds"] = metrics.Seconds,
        ["promptTokens"] = metrics.PromptTokens,
        ["outputTokens"] = metrics.OutputTokens,
        ["outputTokensAreChunks"] = metrics.CountsChunks,
        ["requestThroughput"] = CommandOutput.Number(metrics.RequestThroughput),
        ["outputThroughput"] = CommandOutput.Number(metrics.OutputThroughput),
        ["totalThroughput"] = CommandOutput.Number(metrics.TotalThroughput),
        ["goodput"] = metrics.Goodput is { } goodput ? CommandOutput.Number(goodput) : null,
        ["ttftMs"] = Of(metrics.TimeToFirstToken),
        ["tpotMs"] = Of(metrics.TimePerOutputToken),
        ["itlMs"] = Of(metrics.InterTokenLatency),
        ["e2elMs"] = Of(metrics.EndToEndLatency),
        ["longPrompt"] = LongPromptEffect.Of(result.Requests) is { } effect ? Of(effect) : null,
        ["clientProcessorShare"] = CommandOutput.Number(result.ProcessorShare),
        ["problems"] = CommandOutput.List(LoadRemarks.Problems([result]),
            p => new JsonObject { ["problem"] = p.Problem, ["count"] = p.Count }),
    };

    private static JsonObject Of(LatencySummary latency) => new()
    {
        ["mean"] = CommandOutput.Number(latency.Mean),
        ["median"] = CommandOutput.Number(latency.Median),
        ["p90"] = CommandOutput.Number(latency.P90),
        ["p99"] = CommandOutput.Number(latency.P99),
        ["longest"] = CommandOutput.Number(latency.Longest),
    };

    private static JsonObject Of(LongPromptEffect effect) => new()
    {
        ["worstGapMs"] = CommandOutput.Number(effect.WorstGap),
        ["usualGapMs"] = CommandOutput.Number(effect.UsualGap),
        ["ttftMs"] = CommandOutput.Number(effect.TimeToFirstToken),
    };
}
