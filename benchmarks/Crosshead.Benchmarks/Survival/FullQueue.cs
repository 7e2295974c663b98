using System.Net;
using static Crosshead.Benchmarks.Survival.SurvivalTest;

namespace Crosshead.Benchmarks.Survival;

/// <summary>
/// Ten times as many requests as the queue holds: those that are too many are refused at once, and the others are
/// answered.
/// </summary>
internal static class FullQueue
{
    private const int Running = 4, Queued = 64, Seconds = 20;
    private const double Limit = 50;

    /// <summary>Runs the case.</summary>
    public static async Task RunAsync(string model)
    {
        await using var server = await ServerProcess.StartAsync(model, "--max-sequences", $"{Running}", "--max-queued",
            $"{Queued}", "--threads", "1");
        using var stop = new CancellationTokenSource();
        var owners = Enumerable.Range(0, Running + Queued).Select(i => FillAsync(server.Client, i, stop.Token))
            .ToArray();
        await Task.Delay(1000);
        List<double> refused = [];
        var answered = 0;
        async Task MoreAsync(int i)
        {
            var answer = await AskAsync(server.Client, i);
            lock (refused)
                if (answer.Status == HttpStatusCode.ServiceUnavailable) refused.Add(1000 * answer.Seconds);
                else if (answer.End == AnswerEnd.Whole) answered++;
                else throw new InvalidOperationException($"{answer.End}, {answer.Status}: {answer.Text}");
        }
        var more = new List<Task>();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        for (var i = 0; i < 10 * Queued * Seconds; i++)
        {
            var due = TimeSpan.FromSeconds(i / (10.0 * Queued)) - clock.Elapsed;
            if (due > TimeSpan.Zero) await Task.Delay(due);
            more.Add(MoreAsync(i));
        }
        await Task.WhenAll(more);
        Tell($"{10 * Queued} further requests a second for {Seconds} s: refused {Spread(refused)}; {answered} found "
            + "room");
        Check(Percentile(refused, 0.99) < Limit, $"99 of 100 are refused within {Limit} ms");
        refused.Clear();
        await Task.WhenAll(Enumerable.Range(0, 10 * Queued).Select(MoreAsync));
        Tell($"{10 * Queued} further requests at once: refused {Spread(refused)}");
        await stop.CancelAsync();
        var whole = await Task.WhenAll(owners);
        Check(whole.All(w => w.Failed == 0), $"{whole.Sum(w => w.Whole)} answers of those within the limit are whole, "
            + $"{whole.Sum(w => w.Refused)} found the queue full, {whole.Sum(w => w.Failed)} failed");
        await server.IdleAsync();
    }

    private static Task<Answer> AskAsync(Client client, int seed) =>
        client.AskAsync(new { prompt = "Once upon a time", max_tokens = 400, ignore_eos = true, seed });

    private static async Task<(int Whole, int Refused, int Failed)> FillAsync(Client client, int seed,
        CancellationToken stop)
    {
        var (whole, refused, failed) = (0, 0, 0);
        while (!stop.IsCancellationRequested)
            switch (await AskAsync(client, seed))
            {
                case { End: AnswerEnd.Whole }: whole++; break;
                case { Status: HttpStatusCode.ServiceUnavailable }:
                    refused++;
                    await Task.Delay(100, CancellationToken.None);
                    break;
                default: failed++; break;
            }
        return (whole, refused, failed);
    }
}
