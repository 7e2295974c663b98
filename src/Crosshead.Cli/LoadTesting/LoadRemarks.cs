using Crosshead.Cli.LoadTesting.Measures;

namespace Crosshead.Cli.LoadTesting;

/// <summary>What a reader of a load test's results must know beside the numbers.</summary>
internal static class LoadRemarks
{
    private const int MostProblems = 3;

    /// <summary>The remarks on the results, one sentence each.</summary>
    public static IEnumerable<string> Of(IReadOnlyList<LoadResult> results, IReadOnlyList<LoadMetrics> metrics)
    {
        if (metrics.Any(m => m.CountsChunks))
            yield return "The server did not count the tokens of its answers. Output tokens are the number of chunks "
                + "with tokens, which may be fewer than the tokens.";
        if (metrics.Any(m => m.Done > 0 && m.PromptTokens == 0))
            yield return "Neither the server nor this program counted the tokens of the prompts, so all tokens are "
                + "output tokens.";
        if (results.FirstOrDefault(r => r.ClientWasBusy) is { } busy)
            yield return $"In the case \"{busy.Case.Name}\" this program used {busy.ProcessorShare:P0} of the "
                + $"processors here. The measured times may be its own; run it on another machine than the server.";
        foreach (var (problem, count) in Problems(results).Take(MostProblems))
            yield return $"{count} {(count == 1 ? "request" : "requests")} failed: {problem}";
        foreach (var result in results)
            if (LongPromptEffect.Of(result.Requests) is { } effect)
                yield return FormattableString.Invariant($"""
                    While the server computed the long prompt ({effect.TimeToFirstToken:0} ms), the longest gap within
                    another answer was {effect.WorstGap:0.0} ms; the median gap at other times was
                    {effect.UsualGap:0.0} ms.
                    """).ReplaceLineEndings(" ");
    }

    /// <summary>The problems of requests with their counts, most frequent first.</summary>
    public static IEnumerable<(string Problem, int Count)> Problems(IEnumerable<LoadResult> results) =>
        results.SelectMany(r => r.Requests).Select(r => r.Problem).OfType<string>()
            .CountBy(p => p).OrderByDescending(p => p.Value).Select(p => (p.Key, p.Value));
}
