using Crosshead.Decoding;
using Crosshead.Generation;
using Crosshead.Serving;
using CsCheck;

namespace Crosshead.Tests.Generation;

/// <summary>Draws and log-probabilities from the largest logits against those from all of them.</summary>
public sealed class LargestLogitsTests
{
    private const int Vocabulary = 60, Most = 24;

    // few different values, so that there are ties
    private static readonly Gen<float[]> Logits = Gen.Int[-8, 8].Select(v => v / 2f).Array[Vocabulary];

    [Fact]
    public void Draws_are_those_from_all_logits_or_are_refused() =>
        Gen.Select(Logits, Gen.Int[0, 30], Gen.Bool, Gen.Int[0, 9]).Sample((logits, topK, greedy, seed) =>
        {
            var options = new SamplingOptions
            {
                Temperature = greedy ? 0 : 0.7,
                TopK = topK,
                TopP = seed % 2 == 0 ? 1 : 0.8,
                MinP = seed % 3 == 0 ? 0.1 : 0,
                Seed = seed,
            };
            int[] suppressed = [3, 17, Vocabulary - 1];
            var (all, some) = (new Sampler(options, Vocabulary, 0, suppressed),
                new Sampler(options, Vocabulary, 0, suppressed));
            var scratch = new SamplerScratch(Vocabulary);
            for (var n = 0; n < 5; n++)
            {
                var expected = all.Next(logits);
                var actual = some.TryNext(Largest(logits), scratch);
                if (actual < 0)
                {
                    actual = some.Next(logits);
                    // the last of the list is as likely as the last one that top-k keeps, or top-k does not limit
                    var kept = logits.Where((_, id) => !suppressed.Contains(id)).OrderDescending()
                        .ElementAt(Math.Max(0, (greedy ? 1 : topK) - 1));
                    Assert.True((topK == 0 && !greedy) || kept <= logits.OrderDescending().ElementAt(Most - 1));
                }
                Assert.Equal(expected, actual);
            }
        });

    [Theory]
    [InlineData(1, 0.9, 0, 0.02)]
    [InlineData(0.6, 0.9, 0, 0.02)]
    [InlineData(0.8, 0.95, 0.02, 0.02)]
    [InlineData(0.3, 0.99, 0, 0.02)]
    [InlineData(1, 1, 0.1, 0)]
    [InlineData(1.5, 1, 0.2, 0)]
    [InlineData(1.2, 0.5, 0.05, 0.1)]
    public void The_largest_of_many_logits_decide_about_top_p_and_min_p_but_seldom(double temperature, double topP,
        double minP, double mostRefused)
    {
        const int Size = 5000, Listed = 256, Rows = 400;
        var random = new Random(1);
        var refused = 0;
        for (var row = 0; row < Rows; row++)
        {
            // likelihoods that fall by a power of the rank, as those of language models do, and some noise
            var power = 1.5 + (2 * random.NextDouble());
            var logits = Enumerable.Range(1, Size)
                .Select(rank => (float)((-power * Math.Log(rank + 1)) + random.NextDouble())).ToArray();
            random.Shuffle(logits);
            var options = new SamplingOptions { Temperature = temperature, TopP = topP, MinP = minP, Seed = row };
            int[] suppressed = row % 5 == 0 ? [3, Size - 1] : [];
            var (all, some) = (new Sampler(options, Size, 0, suppressed), new Sampler(options, Size, 0, suppressed));
            for (var n = 0; n < 3; n++)
            {
                var expected = all.Next(logits);
                var actual = some.TryNext(Largest(logits, Listed), new SamplerScratch(Size));
                if (actual >= 0)
                {
                    Assert.Equal(expected, actual);
                    continue;
                }
                refused++;
                Assert.Equal(expected, some.Next(logits));
            }
        }
        Assert.InRange(refused, 0, mostRefused * 3 * Rows);
    }

    [Fact]
    public void Draws_that_other_tokens_decide_are_refused()
    {
        var logits = Enumerable.Range(0, 1000).Select(i => -i * 1e-3f).ToArray(); // almost equal
        foreach (var options in new SamplingOptions[]
        {
            new() { TopP = 0.9 }, new() { MinP = 0.5 }, new(), new() { TopP = 0.9, PresencePenalty = 1 },
            new() { TopP = 1e-3, LogitBias = new Dictionary<int, float> { [999] = 9 } },
        })
            Assert.Equal(-1, new Sampler(options, 1000).TryNext(Largest(logits), new SamplerScratch(1000)));
        var first = new Sampler(new() { TopP = 1e-3 }, 1000).TryNext(Largest(logits), new SamplerScratch(1000));
        Assert.Equal(0, first);
    }

    [Fact]
    public void Log_probabilities_are_those_from_all_logits() =>
        Gen.Select(Logits, Gen.Int[0, Vocabulary - 1], Gen.Int[0, 20]).Sample((logits, id, top) =>
        {
            var expected = LogprobRow.Of(logits, id, top);
            var actual = LogprobRow.Of(new OneRow(logits), 0, id, top);
            Assert.Equal(expected.Id, actual.Id);
            Assert.Equal(expected.Logprob, actual.Logprob, 1e-5f);
            Assert.Equal(expected.Top.Select(t => t.Id), actual.Top.Select(t => t.Id));
            foreach (var (a, b) in expected.Top.Zip(actual.Top)) Assert.Equal(a.Logprob, b.Logprob, 1e-5f);
        });

    private static LargestLogits Largest(float[] logits, int most = Most)
    {
        // of equal logits the highest first, to show that their order does not matter
        int[] ids = [.. Enumerable.Range(0, logits.Length).OrderByDescending(i => logits[i]).ThenByDescending(i => i)
            .Take(most)];
        return new LargestLogits(ids, ids.Select(i => logits[i]).ToArray(),
            (float)Math.Log(logits.Sum(l => Math.Exp(l))));
    }

    // A decoder that has computed one row.
    private sealed class OneRow(float[] logits) : IDecoder
    {
        public Crosshead.Attention.Caches.ICacheStore Cache => throw new NotSupportedException();

        public int VocabularySize => logits.Length;

        public void Run(DecodePass pass, CancellationToken cancellation = default) => throw new NotSupportedException();

        public ReadOnlySpan<float> Logits(int row) => logits;

        public LargestLogits? Largest(int row) => LargestLogitsTests.Largest(logits);

        public void Dispose()
        {
        }
    }
}
