using static Crosshead.Benchmarks.Survival.SurvivalTest;

namespace Crosshead.Benchmarks.Survival;

/// <summary>A thousand streams at once, in rounds: all are answered, and a later round needs no more memory.</summary>
internal static class ManyStreams
{
    private const int Streams = 1000, Tokens = 200, Rounds = 3;

    /// <summary>Runs the case.</summary>
    public static async Task RunAsync(string model)
    {
        await using var server = await ServerProcess.StartAsync(model, "--max-sequences", "1000", "--max-step-tokens",
            "1024", "--cache-memory", "400MiB");
        await server.Client.AskAsync(new { prompt = "Once", max_tokens = 20 });
        Tell($"before: {server.Memory("VmRSS") >> 10} MiB resident");
        for (var round = 1; round <= Rounds; round++)
        {
            server.ForgetPeak();
            var most = 0.0;
            var asked = Task.WhenAll(Enumerable.Range(0, Streams).Select(i => server.Client.AskAsync(new
            {
                prompt = $"Once upon a time, number {i}",
                max_tokens = Tokens,
                ignore_eos = true,
                seed = i,
                stream = true,
                return_token_ids = true,
            })));
            while (!asked.IsCompleted)
            {
                most = Math.Max(most, (await server.Client.MetricsAsync())["num_requests_running"]);
                await Task.WhenAny(asked, Task.Delay(50));
            }
            var answers = await asked;
            await server.IdleAsync();
            var peak = server.Memory("VmHWM") >> 10;
            await Task.Delay(TimeSpan.FromSeconds(2));
            Tell($"round {round}: peak {peak} MiB, 2 s after it {server.Memory("VmRSS") >> 10} MiB; at most {most} ran "
                + $"at once; {answers.Max(a => a.Seconds):0.0} s; first tokens "
                + Spread([.. answers.Select(a => 1000 * a.Times[0])]));
            var whole = answers.Count(a => a.End == AnswerEnd.Whole && a.Times.Count >= Tokens);
            Check(whole == Streams, $"{whole} of {Streams} streams have all {Tokens} tokens");
        }
    }
}
