using System.Text.RegularExpressions;
using static Crosshead.Benchmarks.Survival.SurvivalTest;

namespace Crosshead.Benchmarks.Survival;

/// <summary>
/// Clients leave while their requests wait, while their prompts are computed, and while they get their answers. The log
/// tells in which phase each was.
/// </summary>
internal static partial class VanishingClients
{
    private const int Clients = 900;

    /// <summary>Runs the case.</summary>
    public static async Task RunAsync(string model)
    {
        await using var server = await ServerProcess.StartAsync(model, "--max-sequences", "16", "--max-step-tokens",
            "32", "--max-queued", "4096", "--max-queued-tokens", "4000000");
        var prompt = string.Concat(Enumerable.Repeat("Once upon a time, there was a little girl named Lily. ", 12));
        var before = await server.Client.MetricsAsync();
        Tell($"before: {before["pages_free"]} of {await server.Client.PagesAsync()} pages are free");
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async i =>
        {
            using var gone = new CancellationTokenSource();
            var random = new Random(i);
            // A third leaves within an answer, and two thirds at any time before it.
            if (i % 3 > 0) gone.CancelAfter(random.Next(5, 4000));
            await server.Client.AskAsync(new
            {
                prompt = $"{i} {prompt}",
                max_tokens = 250,
                ignore_eos = true,
                stream = i % 6 != 1,
                n = i % 5 == 0 ? 4 : 1,
                cache_salt = i % 7 == 0 ? "own" : "common",
            }, begun: i % 3 == 0 ? gone.Cancel : null, gone: gone.Token);
        }));
        var seconds = await server.IdleAsync();
        var lines = server.Log.Where(l => l.Contains(" gone ", StringComparison.Ordinal)).ToArray();
        var decoding = lines.Count(l => First().IsMatch(l));
        var prefill = lines.Count(l => Queue().IsMatch(l)) - decoding;
        Tell($"left while they waited {lines.Length - prefill - decoding}, in prefill {prefill}, within an answer "
            + $"{decoding}; nothing ran {seconds:0.00} s after the last had left");
        Check(prefill > 0 && decoding > 0 && lines.Length > prefill + decoding, $"clients left in each phase");
        await server.Client.ClearAsync();
        await server.IdleAsync();
        await Task.Delay(200);
        var after = await server.Client.MetricsAsync();
        Check(after["pages_free"] == await server.Client.PagesAsync(), $"after: {after["pages_free"]} pages are free, "
            + $"{after["num_requests_running"]} requests run, {after["num_requests_waiting"]} wait");
        var next = await server.Client.AskAsync(new { prompt = "Once", max_tokens = 20 });
        Check(next.End == AnswerEnd.Whole, $"the next request is answered, in {1000 * next.Seconds:0} ms");
    }

    [GeneratedRegex(" queue=")]
    private static partial Regex Queue();

    [GeneratedRegex(" first=")]
    private static partial Regex First();
}
