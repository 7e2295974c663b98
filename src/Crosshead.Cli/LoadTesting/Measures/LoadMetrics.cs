namespace Crosshead.Cli.LoadTesting.Measures;

/// <summary>
/// The measures of a load test, with the definitions of vLLM's benchmark. Only complete answers count, except where
/// requests are counted by their outcome.
/// </summary>
internal sealed record LoadMetrics
{
    /// <summary>Seconds from the first request to the end of the last answer.</summary>
    public required double Seconds { get; init; }

    /// <summary>Number of complete answers.</summary>
    public required int Done { get; init; }

    /// <summary>Number of requests that the server refused because it had too much to do.</summary>
    public required int Rejected { get; init; }

    /// <summary>Number of requests that failed for another reason.</summary>
    public required int Failed { get; init; }

    /// <summary>Number of requests that were under way when the test was stopped.</summary>
    public required int Cancelled { get; init; }

    /// <summary>Tokens of all prompts.</summary>
    public required long PromptTokens { get; init; }

    /// <summary>Tokens of all answers.</summary>
    public required long OutputTokens { get; init; }

    /// <summary>Whether the server did not count the tokens of some answers, so that chunks were counted.</summary>
    public required bool CountsChunks { get; init; }

    /// <summary>Complete answers per second that keep the service levels; null without service levels.</summary>
    public required double? Goodput { get; init; }

    /// <summary>Time from sending to the first token.</summary>
    public required LatencySummary TimeToFirstToken { get; init; }

    /// <summary>Mean time per token after the first, by answer.</summary>
    public required LatencySummary TimePerOutputToken { get; init; }

    /// <summary>Times between chunks with tokens, over all answers.</summary>
    public required LatencySummary InterTokenLatency { get; init; }

    /// <summary>Time from sending to the last chunk.</summary>
    public required LatencySummary EndToEndLatency { get; init; }

    /// <summary>Complete answers per second.</summary>
    public double RequestThroughput => Done / Seconds;

    /// <summary>Tokens of answers per second.</summary>
    public double OutputThroughput => OutputTokens / Seconds;

    /// <summary>Tokens of prompts and answers per second.</summary>
    public double TotalThroughput => (PromptTokens + OutputTokens) / Seconds;

    /// <summary>Computes the measures.</summary>
    /// <param name="requests">What was seen of each request.</param>
    /// <param name="seconds">Seconds from the first request to the end of the last answer.</param>
    /// <param name="levels">The service levels; null for none.</param>
    public static LoadMetrics Of(IReadOnlyList<RequestRecord> requests, double seconds, ServiceLevels? levels = null)
    {
        var done = requests.Where(r => r.Outcome == RequestOutcome.Done).ToArray();
        return new LoadMetrics
        {
            Seconds = seconds,
            Done = done.Length,
            Rejected = requests.Count(r => r.Outcome == RequestOutcome.Rejected),
            Failed = requests.Count(r => r.Outcome == RequestOutcome.Failed),
            Cancelled = requests.Count(r => r.Outcome == RequestOutcome.Cancelled),
            PromptTokens = done.Sum(r => (long)r.PromptTokens),
            OutputTokens = done.Sum(r => (long)r.OutputTokens),
            CountsChunks = done.Any(r => r.CountsChunks),
            Goodput = levels is null ? null : done.Count(levels.AreKeptBy) / seconds,
            TimeToFirstToken = LatencySummary.Of(done.Select(r => r.TimeToFirstToken)),
            TimePerOutputToken = LatencySummary.Of(done.Select(r => r.TimePerOutputToken).Where(double.IsFinite)),
            InterTokenLatency = LatencySummary.Of(done.SelectMany(r => r.InterTokenLatencies)),
            EndToEndLatency = LatencySummary.Of(done.Select(r => r.Latency)),
        };
    }
}
