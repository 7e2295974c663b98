using System.Diagnostics;
using System.Net;
using static Crosshead.Benchmarks.Survival.SurvivalTest;

namespace Crosshead.Benchmarks.Survival;

/// <summary>
/// SIGTERM under load: the server ends with 0 in time. What it has accepted is answered, or ends at the limit in a way
/// that no client takes for a whole answer.
/// </summary>
internal static class StopUnderLoad
{
    private const int Clients = 200;

    /// <summary>Runs the case.</summary>
    public static async Task RunAsync(string model)
    {
        await RunAsync(model, 30);
        await RunAsync(model, 0);
    }

    private static async Task RunAsync(string model, int drain)
    {
        await using var server = await ServerProcess.StartAsync(model, "--max-sequences", "16", "--max-queued", "1000",
            "--drain", $"{drain}");
        var begun = 0;
        var asked = Enumerable.Range(0, Clients).Select(i => server.Client.AskAsync(new
        {
            prompt = "Once upon a time",
            max_tokens = 450,
            ignore_eos = true,
            seed = i,
            stream = i % 2 == 0,
        }, begun: () => Interlocked.Increment(ref begun))).ToArray();
        double Waiting(Dictionary<string, double> now) => now["num_requests_running"] + now["num_requests_waiting"]
            + now["request_success_total"];
        while (Volatile.Read(ref begun) < 10 || Waiting(await server.Client.MetricsAsync()) < Clients)
            await Task.Delay(5);
        var done = asked.Count(a => a.IsCompleted);
        var clock = Stopwatch.StartNew();
        server.Stop();
        var late = new List<Answer>();
        var answers = Task.WhenAll(asked);
        while (!answers.IsCompleted)
        {
            late.Add(await server.Client.AskAsync(new { prompt = "Once", max_tokens = 5 }));
            await Task.WhenAny(answers, Task.Delay(50));
        }
        var code = await server.ExitCodeAsync();
        var seconds = clock.Elapsed.TotalSeconds;
        var ends = (await answers).GroupBy(a => a.End).ToDictionary(g => g.Key, g => g.Count());
        int Ended(AnswerEnd end) => ends.GetValueOrDefault(end);
        Tell($"--drain {drain}: at SIGTERM {done} of {Clients} were answered; exit code {code} after {seconds:0.0} s");
        Check(code == 0 && seconds < drain + 6, $"the exit code is 0, within {drain} s and 6 s for the connections");
        var (whole, broken, refused) = (Ended(AnswerEnd.Whole), Ended(AnswerEnd.Broken), Ended(AnswerEnd.Refused));
        Check(whole + broken + refused == Clients && (drain == 0 || whole == Clients), $"{whole} answers are whole, "
            + $"{broken} streams broke off with an error, {refused} got the status 503");
        var told = late.Count(a => a.Status == HttpStatusCode.ServiceUnavailable);
        // The first may come before the signal is seen.
        Check(late.All(a => a.End != AnswerEnd.Wrong) && told > 0, $"of {late.Count} later requests {told} got the "
            + $"status 503, and {late.Count(a => a.End == AnswerEnd.Whole)} a whole answer");
    }
}
