using System.Diagnostics;
using static Crosshead.Benchmarks.Survival.SurvivalTest;

namespace Crosshead.Benchmarks.Survival;

/// <summary>Ten thousand requests of many kinds: the server's memory does not grow with their number.</summary>
internal static class Soak
{
    private const int Requests = 10_000, Piece = 1000, AtOnce = 16, WarmUp = 2000;
    private const double Limit = 1; // KiB a request

    /// <summary>Runs the case.</summary>
    public static async Task RunAsync(string model)
    {
        await using var server = await ServerProcess.StartAsync(model);
        var (failed, clock) = (0, Stopwatch.StartNew());
        await PieceAsync(0, WarmUp);
        var points = new List<(double Requests, double Memory)>();
        for (var done = 0; ; done += Piece)
        {
            await server.IdleAsync();
            points.Add((done, server.Memory("RssAnon") + server.Memory("VmSwap")));
            Tell($"after {done} requests: {server.Memory("VmRSS") / 1024.0:0.0} MiB resident, "
                + $"{points[^1].Memory / 1024:0.0} MiB of them backed by no file");
            if (done == Requests) break;
            await PieceAsync(done, Piece);
        }
        var slope = Slope(points[(points.Count / 2)..]);
        Tell($"{Requests} requests after {WarmUp} to warm up, in {clock.Elapsed.TotalSeconds:0} s; over all "
            + $"{Slope(points):0.000} KiB a request");
        Check(failed == 0, $"{failed} requests failed");
        Check(slope < Limit, $"the second half grows by {slope:0.000} KiB a request");

        Task PieceAsync(int from, int count) => Parallel.ForAsync(from, from + count,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (i, _) =>
            {
                if (!await IsAnsweredAsync(server.Client, i)) Interlocked.Increment(ref failed);
            });
    }

    private static async Task<bool> IsAnsweredAsync(Client client, int i)
    {
        var prompt = $"Once upon a time, {i}";
        using var gone = new CancellationTokenSource();
        var answer = await ((i % 8) switch
        {
            0 => client.AskAsync(new { prompt, max_tokens = 30, temperature = 0 }),
            1 => client.AskAsync(new { prompt, max_tokens = 30, seed = i, stream = true }),
            2 => client.AskAsync(new { prompt, max_tokens = 20, n = 3, logprobs = 5, stop = new[] { "Lily", "zz" } }),
            3 => client.AskAsync(new
            {
                prompt = Enumerable.Range(0, 4).Select(k => new[] { 1, 403, 10 + ((i + k) % 400), 261 }),
                max_tokens = 1,
                echo = true,
                logprobs = 1,
            }),
            4 => client.AskAsync(new
            {
                prompt,
                max_tokens = 60,
                structured_outputs = new { regex = "[a-z]{3,12} [0-9]{1,4}" },
            }),
            5 => client.AskAsync(new { prompt, max_tokens = 200, stream = true }, begun: gone.Cancel, gone: gone.Token),
            6 => client.AskAsync(new { prompt }, "/tokenize"),
            _ => client.AskAsync(new { prompt = 3 }),
        });
        return answer.End == (i % 8) switch { 5 => AnswerEnd.Left, 7 => AnswerEnd.Refused, _ => AnswerEnd.Whole };
    }

    // Of the line with the least squared distances.
    private static double Slope(IReadOnlyList<(double X, double Y)> points)
    {
        var (x, y) = (points.Average(p => p.X), points.Average(p => p.Y));
        return points.Sum(p => (p.X - x) * (p.Y - y)) / points.Sum(p => (p.X - x) * (p.X - x));
    }
}
