using System.Diagnostics;
using Crosshead.Generation;

namespace Crosshead.Benchmarks;

/// <summary>
/// Draws from all tokens at temperature 1, beside the same draws by sums of one weight after the other. Each figure is
/// the median of draws taken in turn.
/// </summary>
internal static class DrawSpeeds
{
    private const int Draws = 301;

    public static void Run()
    {
        foreach (var tokens in new[] { 49_152, 128_256 })
        {
            var random = new Random(1);
            float[] logits = [.. Enumerable.Range(0, tokens).Select(_ => 8 * random.NextSingle())];
            var sampler = new Sampler(new SamplingOptions { Temperature = 1, Seed = 1 }, tokens);
            var plain = new Candidates(tokens);
            var (own, others) = (new List<double>(), new List<double>());
            for (var draw = 0; draw < Draws; draw++)
            {
                own.Add(Timed(() => sampler.Next(logits)));
                others.Add(Timed(() => OneAfterTheOther(plain, logits, random.NextDouble())));
            }
            Console.WriteLine($"{tokens} tokens: {CacheComparison.Median(own):F3} ms a draw, one after the other "
                + $"{CacheComparison.Median(others):F3} ms");
        }
    }

    private static int OneAfterTheOther(Candidates tokens, float[] logits, double random)
    {
        var best = logits.Max();
        tokens.Clear();
        for (var id = 0; id < logits.Length; id++) tokens.Add(id, logits[id] - best);
        tokens.Weigh(1);
        return tokens.Pick(random, tokens.Count, tokens.Sum);
    }

    private static double Timed(Func<int> draw)
    {
        var start = Stopwatch.GetTimestamp();
        draw();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}
