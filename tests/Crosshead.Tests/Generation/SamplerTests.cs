using System.Runtime.Intrinsics;
using Crosshead.Generation;
using Crosshead.Runtime;
using CsCheck;

namespace Crosshead.Tests.Generation;

public sealed class SamplerTests
{
    private static readonly Gen<float[]> Logits = Gen.Float[-6, 6].Array[2, 60]
        .Select(logits => logits.Select((l, i) => l + (i * 1e-3f)).ToArray()); // of equal ones either may be kept

    [Fact]
    public void Greedy_takes_the_most_likely() =>
        Logits.Sample(
        logits => Assert.Equal(logits.Max(), logits[new Sampler(SamplingOptions.Greedy, logits.Length).Next(logits)]));

    [Fact]
    public void A_seed_draws_the_same_tokens_and_a_stream_of_its_own_others()
    {
        Assert.Equal(Draw(7, 0), Draw(7, 0));
        Assert.NotEqual(Draw(7, 0), Draw(7, 1));
        Assert.NotEqual(Draw(7, 0), Draw(8, 0));
        // Computed from SplitMix64's definition, so that no change of machine or runtime changes what a seed means.
        Assert.Equal([23, 20, 17, 19, 11, 5, 29, 28], Draw(7, 0)[..8]);

        static int[] Draw(long seed, int stream)
        {
            var sampler = new Sampler(new SamplingOptions { Seed = seed }, 32, stream);
            return [.. Enumerable.Range(0, 50).Select(_ => sampler.Next(new float[32]))];
        }
    }

    [Fact]
    public void Draws_follow_the_softmax()
    {
        float[] logits = [0.5f, -1, 2, 0, 1];
        var sampler = new Sampler(new SamplingOptions { Temperature = 0.7, Seed = 3 }, 5);
        var counts = new int[5];
        const int Draws = 40_000;
        for (var i = 0; i < Draws; i++) counts[sampler.Next(logits)]++;
        var expected = Probabilities(logits, new SamplingOptions { Temperature = 0.7 }, []);
        for (var i = 0; i < 5; i++) Assert.InRange(counts[i] / (double)Draws, expected[i] - 0.01, expected[i] + 0.01);
    }

    [Theory]
    [InlineData(1, 100)]
    [InlineData(17, 300)]
    [InlineData(511, 300)]
    [InlineData(5_000, 500)]
    [InlineData(49_152, 200)]
    public void Draws_from_all_tokens_are_those_of_weights_summed_one_after_the_other(int tokens, int draws)
    {
        var (random, stream) = (new Random(tokens), new RandomStream(5, 0));
        var sampler = new Sampler(new SamplingOptions { Temperature = 0.8, Seed = 5 }, tokens);
        var logits = new float[tokens];
        for (var draw = 0; draw < draws; draw++)
        {
            var width = draw % 3 == 0 ? 60 : draw % 3; // some likely tokens, or all nearly alike
            foreach (ref var logit in logits.AsSpan()) logit = random.NextSingle() * width;
            if (draw % 5 == 0) logits[random.Next(tokens)] = float.NegativeInfinity;
            logits[random.Next(tokens)] = width;
            Assert.Equal(OneAfterTheOther(logits, stream.NextDouble()), sampler.Next(logits));
        }

        static int OneAfterTheOther(float[] logits, double random)
        {
            var best = logits.Max();
            float[] weights = [.. logits.Select(logit => Vector512.Exp(Vector512.Create(
                (logit - best) * (float)(1 / 0.8)))[0])];
            var left = random * weights.Aggregate(0.0, (sum, weight) => sum + weight);
            return Array.FindIndex(weights, weight => weight > 0 && (left -= weight) < 0);
        }
    }

    [Fact]
    public void A_draw_on_the_border_of_two_tokens_is_that_of_weights_summed_one_after_the_other()
    {
        var tokens = new Candidates(1024);
        for (var border = 0; border < 1024; border += 31)
        {
            tokens.Take(new float[1024], 0, float.NegativeInfinity);
            tokens.Weigh(1);
            Assert.Equal(border, tokens.Pick(border / 1024.0));
        }
    }

    [Fact]
    public void Logits_that_are_no_numbers_are_not_drawn()
    {
        var tokens = new Candidates(100);
        var scores = new float[100];
        scores[40] = float.NaN;
        tokens.Take(scores, 0, float.NegativeInfinity);
        tokens.Weigh(1);
        Assert.Equal(99, tokens.Count);
        Assert.Equal(41, tokens.Pick(40.5 / 99));
        Assert.Equal(39, tokens.Pick(39.5 / 99));
    }

    [Fact]
    public void Only_tokens_that_pass_every_filter_are_drawn_and_all_of_them()
    {
        var options = Gen.Select(Gen.Double[0.3, 3], Gen.Int[0, 12], Gen.Double[0.05, 1], Gen.Double[0, 0.5],
            Gen.Double[0.5, 2], (t, k, p, m, r) =>
                new SamplingOptions { Temperature = t, TopK = k, TopP = p, MinP = m, RepetitionPenalty = r, Seed = 1 });
        Gen.Select(Logits, options, Gen.Int[0, 1].Array[0, 2]).Sample((logits, o, seen) =>
        {
            var allowed = Probabilities(logits, o, seen);
            var drawn = new HashSet<int>();
            for (var i = 0; i < 200; i++)
            {
                var sampler = new Sampler(o with { Seed = i }, logits.Length);
                sampler.Observe(seen);
                drawn.Add(sampler.Next(logits));
            }
            Assert.All(drawn, id => Assert.True(allowed[id] > 0, $"{id} of {string.Join(' ', allowed)}"));
            Assert.All(Enumerable.Range(0, logits.Length).Where(id => allowed[id] > 0.1),
                id => Assert.Contains(id, drawn));
        }, iter: 200);
    }

    [Fact]
    public void Drawing_allocates_nothing()
    {
        var sampler = new Sampler(new SamplingOptions
        {
            Temperature = 0.8,
            TopK = 50,
            TopP = 0.9,
            MinP = 0.02,
            RepetitionPenalty = 1.1,
            Seed = 1,
        }, 500);
        var random = new Random(1);
        var logits = Enumerable.Range(0, 500).Select(_ => random.NextSingle() * 8).ToArray();
        for (var i = 0; i < 600; i++) sampler.Next(logits); // the list of tokens that occurred has grown
        Assert.Equal(0, Allocations.Of(() =>
        {
            for (var i = 0; i < 50; i++) sampler.Next(logits);
        }));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Logits_that_are_no_numbers_are_refused(float bad)
    {
        var e = Assert.Throws<CrossheadException>(() => new Sampler(new SamplingOptions(), 3).Next([1, bad, 2]));
        Assert.Contains("token 1", e.Message);
    }

    [Theory]
    [InlineData("temperature (-1)")]
    [InlineData("temperature (NaN)")]
    [InlineData("topK (-2)")]
    [InlineData("topP (0)")]
    [InlineData("topP (1.5)")]
    [InlineData("minP (1.1)")]
    [InlineData("repetitionPenalty (0)")]
    [InlineData("repetitionPenalty (0.009)")]
    [InlineData("presencePenalty (2.1)")]
    [InlineData("presencePenalty (NaN)")]
    [InlineData("frequencyPenalty (-2.1)")]
    [InlineData("logitBias of token 1 (-101)")]
    [InlineData("logitBias of token 1 (NaN)")]
    public void Values_out_of_range_are_refused_in_one_line(string named)
    {
        var value = double.Parse(named[(named.IndexOf('(') + 1)..^1],
            System.Globalization.CultureInfo.InvariantCulture);
        var options = named.Split(' ')[0] switch
        {
            "temperature" => new SamplingOptions { Temperature = value },
            "topK" => new SamplingOptions { TopK = (int)value },
            "topP" => new SamplingOptions { TopP = value },
            "minP" => new SamplingOptions { MinP = value },
            "presencePenalty" => new SamplingOptions { PresencePenalty = value },
            "frequencyPenalty" => new SamplingOptions { FrequencyPenalty = value },
            "logitBias" => new SamplingOptions { LogitBias = new Dictionary<int, float> { [1] = (float)value } },
            _ => new SamplingOptions { RepetitionPenalty = value },
        };
        var e = Assert.Throws<CrossheadException>(() => new Sampler(options, 3));
        Assert.Contains(named, e.Message);
        Assert.DoesNotContain('\n', e.Message);
    }

    private static readonly SamplingOptions[] Filters =
    [
        new(), new() { TopK = 5 }, new() { TopK = 1 }, new() { TopK = 1000 }, new() { TopP = 0.9 },
        new() { TopP = 1e-300 }, new() { MinP = 0.1 }, new() { MinP = 1 },
        new() { RepetitionPenalty = 100 }, new() { RepetitionPenalty = 0.01 },
        new() { TopK = 3, TopP = 0.5, MinP = 0.5, RepetitionPenalty = 1.3 },
    ];

    public static TheoryData<int> FilterIndices => [.. Enumerable.Range(0, Filters.Length)];

    [Theory, MemberData(nameof(FilterIndices))]
    public void The_limit_of_tiny_temperatures_is_greedy(int filter)
    {
        var filters = Filters[filter];
        float[] logits = [-3, 7.5f, 2, 7.25f, float.NegativeInfinity, -80];
        foreach (var temperature in new[] { double.Epsilon, 1e-300, 1e-45, 1e-39, 2.9e-39, 1e-38, 1e-6 })
        {
            Sampler greedy = new(filters with { Temperature = 0 }, 6),
            tiny = new(filters with { Temperature = temperature, Seed = 1 }, 6);
            for (var i = 0; i < 8; i++) Assert.Equal(greedy.Next(logits), tiny.Next(logits));
        }
    }

    [Theory, MemberData(nameof(FilterIndices))]
    public void Extreme_logits_and_the_largest_temperature_draw_what_may_be_drawn(int filter)
    {
        var filters = Filters[filter];
        float[][] extremes =
        [
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [1e30f, 1e30f, -1e30f], [-1e30f, 3e38f / 200, 0],
            [float.Epsilon, -float.Epsilon, 0],
            [float.NegativeInfinity, float.NegativeInfinity, 1, float.NegativeInfinity], [-5],
        ];
        foreach (var logits in extremes)
            foreach (var temperature in new[] { 1e-39, 0.5, 100 })
            {
                var sampler = new Sampler(filters with { Temperature = temperature, Seed = 2 }, logits.Length);
                for (var i = 0; i < 20; i++)
                {
                    var id = sampler.Next(logits);
                    Assert.True(logits[id] > float.NegativeInfinity,
                        $"{id} of {string.Join(' ', logits)} at {temperature}");
                }
            }
    }

    [Fact]
    public void Suppressed_tokens_are_never_drawn_and_the_others_as_if_they_were_not_there()
    {
        float[] logits = [1, 9, 2, 0.5f, 8, 9, 9];
        int[] suppressed = [1, 5, 6];
        Assert.Equal(4, new Sampler(SamplingOptions.Greedy, 7, suppressed: suppressed).Next(logits));
        foreach (var filter in Filters)
        {
            Sampler some = new(filter with { Seed = 4, Temperature = 3 }, 7, suppressed: suppressed),
            without = new(filter with { Seed = 4, Temperature = 3 }, 4);
            some.Observe([5, 6, 0]); // a prompt may hold any
            without.Observe([0]);
            for (var i = 0; i < 30; i++)
                Assert.Equal(new[] { 0, 2, 3, 4 }[without.Next([1, 2, 0.5f, 8])], some.Next(logits));
        }
        Assert.Contains("none of the 2 tokens",
            Assert.Throws<CrossheadException>(() => new Sampler(new(), 2, suppressed: [0, 1])).Message);
    }

    [Fact]
    public void What_is_no_number_where_nothing_is_drawn_does_not_matter() =>
        Assert.Equal(1,
            new Sampler(SamplingOptions.Greedy, 4, suppressed: [0, 3]).Next([float.NaN, 2, 1, float.PositiveInfinity]));

    [Fact]
    public void Logits_of_nothing_but_minus_infinity_are_refused() =>
        Assert.Contains("not a finite number", Assert.Throws<CrossheadException>(
            () => new Sampler(new() { TopK = 1 }, 2).Next([float.NegativeInfinity, float.NegativeInfinity])).Message);

    // The filters written plainly, over the whole vocabulary: 0 where a token is filtered out.
    private static double[] Probabilities(float[] logits, SamplingOptions o, int[] seen)
    {
        var scores = logits.Select((l, i) => (double)(float)(
            !seen.Contains(i) ? l : l < 0 ? l * (float)o.RepetitionPenalty : l / (float)o.RepetitionPenalty)).ToArray();
        if (o.TopK > 0 && o.TopK < scores.Length)
        {
            var kth = scores.OrderDescending().ElementAt(o.TopK - 1);
            scores = [.. scores.Select(s => s >= kth ? s : double.NegativeInfinity)];
        }
        var p = Softmax([.. scores.Select(s => s / o.Temperature)]);
        var order = Enumerable.Range(0, p.Length).OrderBy(i => p[i]).ToArray();
        var sum = 0.0;
        foreach (var i in order[..^1])
        {
            sum += p[i];
            if (sum <= 1 - o.TopP - 1e-6) p[i] = 0;
        }
        var least = o.MinP * p.Max() * (1 - 1e-6);
        return [.. p.Select(x => x >= least ? x : 0).Select(x => x)];
    }

    private static double[] Softmax(double[] scores)
    {
        var e = scores.Select(s => Math.Exp(s - scores.Max())).ToArray();
        return [.. e.Select(x => x / e.Sum())];
    }
}
