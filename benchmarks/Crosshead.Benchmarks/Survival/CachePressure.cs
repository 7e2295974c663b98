using System.Diagnostics;
using System.Text.Json.Nodes;
using static Crosshead.Benchmarks.Survival.SurvivalTest;

namespace Crosshead.Benchmarks.Survival;

/// <summary>
/// The running answers need 110 % of the cache for minutes: sequences give their pages to others and are computed
/// again, none fails, and all write what they write alone.
/// </summary>
internal static class CachePressure
{
    // An answer holds 2 to 7 pages of 64 tokens and 80 KiB. In the mean 16 answers hold 75 pages, at their ends 112.
    private const int Running = 16, Pages = 68, Tokens = 320, Requests = 64;
    private static readonly TimeSpan s_time = TimeSpan.FromMinutes(3);

    private static readonly string[] s_names = ["Tim", "Lily", "Anna", "Ben", "Sue", "Max", "Mia", "Tom"];

    /// <summary>Runs the case.</summary>
    public static async Task RunAsync(string model)
    {
        await using var server = await ServerProcess.StartAsync(model, "--max-sequences", $"{Running}",
            "--cache-memory", $"{80 * Pages}KiB");
        Check(await server.Client.PagesAsync() == Pages,
            $"the cache has {Pages} pages, and {Running} answers need 75 in the mean and 112 at their ends");
        var alone = new string[Requests];
        var lengths = new int[Requests];
        for (var i = 0; i < Requests; i++)
            (alone[i], lengths[i]) = Read(await AskAsync(server.Client, i));
        Tell($"sequences have {lengths.Min()} to {lengths.Max()} tokens");
        var before = (await server.Client.MetricsAsync())["num_preemptions_total"];
        var (answers, failed, differ) = (0, 0, 0);
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, Running + 4).Select(async start =>
        {
            for (var i = start; clock.Elapsed < s_time; i++)
            {
                var answer = await AskAsync(server.Client, i % Requests);
                Interlocked.Increment(ref answers);
                if (answer.End != AnswerEnd.Whole) Interlocked.Increment(ref failed);
                else if (Read(answer).Text != alone[i % Requests]) Interlocked.Increment(ref differ);
            }
        }));
        var metrics = await server.Client.MetricsAsync();
        var preempted = metrics["num_preemptions_total"] - before;
        Check(failed == 0 && differ == 0, $"{answers} answers in {clock.Elapsed.TotalSeconds:0} s: {failed} failed, "
            + $"{differ} differ from those alone");
        Check(preempted > 0, $"{preempted} times a sequence gave its pages to another");
        await server.IdleAsync();
    }

    private static Task<Answer> AskAsync(Client client, int i) => client.AskAsync(new
    {
        prompt = string.Concat(Enumerable.Range(0, 6).Select(k => $"{s_names[(i + k) % 8]} and "
            + $"{s_names[(i / 8 + 3 * k) % 8]} went to the park to play with a ball. ")),
        max_tokens = Tokens,
        ignore_eos = true,
        temperature = 0.8,
        seed = i,
    });

    private static (string Text, int Tokens) Read(Answer answer)
    {
        var root = JsonNode.Parse(answer.Text)!;
        return ((string)root["choices"]![0]!["text"]!, (int)root["usage"]!["total_tokens"]!);
    }
}
