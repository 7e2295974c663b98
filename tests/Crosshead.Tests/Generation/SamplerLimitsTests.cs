using Crosshead.Generation;
using CsCheck;

namespace Crosshead.Tests.Generation;

/// <summary>Penalties, bias and masks: what they do to the logits before a token is drawn.</summary>
public sealed class SamplerLimitsTests
{
    [Fact]
    public void Penalties_count_what_was_drawn_and_bias_is_added_first()
    {
        // The score of each token written plainly, in double precision, over a history of greedy draws.
        var options = Gen.Select(Gen.Float[-2, 2], Gen.Float[-2, 2], Gen.Float[0.5f, 2], Gen.Float[-3, 3].Array[8],
            (presence, frequency, repetition, bias) => new SamplingOptions
            {
                Temperature = 0,
                PresencePenalty = presence,
                FrequencyPenalty = frequency,
                RepetitionPenalty = repetition,
                LogitBias = bias.Select((b, i) => (b, i)).ToDictionary(b => b.i, b => b.b),
            });
        Gen.Select(Gen.Float[-4, 4].Array[8].Array[12], options, Gen.Int[0, 7].Array[0, 3]).Sample((rows, o, prompt) =>
        {
            var sampler = new Sampler(o, 8);
            sampler.Observe(prompt);
            var drawn = new List<int>();
            foreach (var logits in rows)
            {
                var scores = logits.Select((l, id) =>
                {
                    var score = (double)l + o.LogitBias![id];
                    if (prompt.Contains(id) || drawn.Contains(id))
                        score = score < 0 ? score * o.RepetitionPenalty : score / o.RepetitionPenalty;
                    var count = drawn.Count(d => d == id);
                    return score - (o.FrequencyPenalty * count) - (count > 0 ? o.PresencePenalty : 0);
                }).ToArray();
                var id = sampler.Next(logits);
                Assert.InRange(scores[id], scores.Max() - 1e-4, scores.Max());
                drawn.Add(id);
            }
        }, iter: 300);
    }

    [Fact]
    public void Only_allowed_tokens_are_drawn()
    {
        Gen.Select(Gen.Float[-4, 4].Array[150], Gen.Bool.Array[150], Gen.Int[0, 149].Array[0, 3],
            Gen.Int[0, 149].Array[0, 3]).Sample((logits, mask, ends, barred) =>
        {
            var words = new ulong[3];
            for (var id = 0; id < mask.Length; id++)
                if (mask[id]) words[id / 64] |= 1UL << (id % 64);
            var left = Enumerable.Range(0, 150).Where(id => (mask[id] || ends.Contains(id)) && !barred.Contains(id))
                .ToArray();
            var limits = new DrawLimits(words, ends, barred);
            var scratch = new SamplerScratch(150);
            var likeliest = left.Length == 0 ? -1 : left.MaxBy(id => logits[id]);
            Assert.Equal(likeliest, new Sampler(SamplingOptions.Greedy, 150).Next(logits, limits, scratch));
            var sampler = new Sampler(new SamplingOptions { TopP = 0.9, Temperature = 3, Seed = 3 }, 150);
            for (var i = 0; i < 5 && left.Length > 0; i++)
                Assert.Contains(sampler.Next(logits, limits, scratch), left);
            for (var id = 0; id < mask.Length; id++) Assert.Equal(left.Contains(id), limits.Allow(id));
        }, iter: 100);
    }

    [Fact]
    public void Limits_that_leave_no_token_draw_none()
    {
        var (sampler, scratch) = (new Sampler(SamplingOptions.Greedy, 3), new SamplerScratch(3));
        Assert.Equal(-1, sampler.Next([1, 2, 3], new DrawLimits([0], [], []), scratch));
        Assert.Equal(1, sampler.Next([1, 2, 3], new DrawLimits([0], [1], []), scratch));
        Assert.Equal(-1, sampler.Next([1, 2, 3], new DrawLimits([0], [1], [1]), scratch));
        Assert.Equal(1, sampler.Next([1, 2, 3], new DrawLimits([], [], [2]), scratch));
    }

    [Fact]
    public void A_bias_decides_alone_and_names_only_tokens_of_the_model()
    {
        var only = new SamplingOptions { Temperature = 0, LogitBias = new Dictionary<int, float> { [2] = 100 } };
        Assert.False(new Sampler(only, 3).IsGreedy); // the likeliest by the logits alone is another
        Assert.Equal(2, new Sampler(only, 3).Next([9, 9, -5]));
        var e = Assert.Throws<CrossheadException>(() => new Sampler(only, 2));
        Assert.Contains("logitBias names token 2", e.Message);
        Assert.Contains("0 to 1", e.Message);
    }

    [Fact]
    public void Samplers_that_share_their_memory_do_not_disturb_each_other()
    {
        var random = new Random(1);
        var rows = Enumerable.Range(0, 40).Select(_ =>
            Enumerable.Range(0, 60).Select(_ => random.NextSingle() * 6).ToArray()).ToArray();
        SamplingOptions[] options =
        [
            new() { Seed = 1, TopK = 5, PresencePenalty = 1 }, new() { Seed = 2, TopP = 0.8, RepetitionPenalty = 1.3 },
            new() { Seed = 3, MinP = 0.1, FrequencyPenalty = -1 },
        ];
        var alone = options.Select(o => new Sampler(o, 60)).Select(s => rows.Select(r => s.Next(r)).ToArray())
            .ToArray();
        var (drawable, scratch) = (new DrawableTokens(60), new SamplerScratch(60));
        var shared = options.Select((o, i) => new Sampler(o, drawable, 0)).ToArray();
        var drawn = rows.Select(r => shared.Select(s => s.Next(r, default, scratch)).ToArray()).ToArray();
        Assert.Equal(alone, Enumerable.Range(0, 3).Select(i => drawn.Select(d => d[i]).ToArray()));
    }
}
