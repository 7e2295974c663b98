using Crosshead.Attention;
using Crosshead.Decoding;
using Crosshead.Model;
using Crosshead.Serving;

namespace Crosshead.Tests.Serving;

/// <summary>
/// What 31 answers wait for beside a prompt of 32,768 tokens, if passes take the times that were measured on an H200:
/// the shape of Llama 3.2 1B, with the whole cache and with half of it, whose heads are composed for prompts.
/// </summary>
public sealed class LongPromptTests
{
    private const int Answers = 31, Length = 32_768;
    private const double BesidesPass = 1e-4; // seconds of a step that are not its pass

    private static readonly int[] _tokens = [0, 1, 16, 33, 65, 97, 161, 225, 353, 481];
    private static readonly int[] _before = [0, 8192, 16384, 32768];

    // [tokens before, tokens of the prompt]: milliseconds of a pass, the answers' 31 tokens included
    private static readonly double[][] _whole =
    [
        [1.454, 1.448, 1.502, 1.516, 1.577, 1.690, 1.934, 2.066, 2.682, 3.134],
        [1.447, 1.610, 1.812, 2.152, 2.429, 2.752, 3.294, 4.008, 4.649, 6.527],
        [1.413, 1.692, 1.935, 2.370, 2.855, 3.192, 4.333, 4.615, 6.285, 9.473],
        [1.414, 2.034, 2.330, 3.069, 4.030, 4.602, 6.684, 6.964, 9.880, 15.854],
    ];

    private static readonly double[][] _half =
    [
        [1.592, 1.590, 2.171, 2.203, 2.304, 2.433, 2.724, 2.889, 3.359, 3.820],
        [1.555, 2.549, 2.817, 2.889, 3.124, 3.395, 4.051, 4.126, 5.130, 7.180],
        [1.513, 2.877, 3.077, 3.337, 3.720, 4.197, 5.317, 5.439, 7.127, 10.816],
        [1.543, 3.050, 3.693, 4.405, 5.164, 6.059, 8.135, 8.253, 11.080, 17.772],
    ];

    private static readonly AttentionOptions _components = new()
    {
        Variant = AttentionVariant.MeaNoNorm,
        Heads = 32,
        KeyValueHeads = 8,
        KeyComponents = 4,
        ValueComponents = 4,
    };

    [Theory]
    [InlineData(false, 0, 0)] // first of all prompts
    [InlineData(false, 0, 8000)]
    [InlineData(false, 31, 40)]
    [InlineData(true, 0, 0)]
    [InlineData(true, 0, 8000)]
    [InlineData(true, 31, 40)]
    public void No_answer_waits_four_times_as_long_as_usual(bool half, int decoding, int earlierPrompt)
    {
        var options = new EngineOptions { MaxStepTokens = 8192 };
        var shape = new ModelOptions
        {
            HiddenSize = 2048,
            Layers = 16,
            FeedForwardSize = 8192,
            VocabularySize = 128_256,
            Attention = half ? _components : new() { Heads = 32, KeyValueHeads = 8 },
        };
        var cost = PieceCosts.Of(shape, composes: half);
        var (times, random) = (half ? _half : _whole, new Random(1));
        var (meter, shares) = (new StepMeter(options), new PrefillShares(options, cost));
        double Seconds(double pass) => (pass + BesidesPass) * (1 + (random.NextDouble() * 0.05));

        for (var i = 0; i < 20; i++) meter.Add(Plan(Answers), Seconds(At(times, 0, 0)));
        if (earlierPrompt > 0)
        {
            var plan = Plan(decoding);
            plan.Add(Waiting(earlierPrompt + 1), earlierPrompt, cost);
            meter.Add(plan, Seconds(At(times, 0, earlierPrompt)));
        }
        var usual = At(times, 0, 0) + BesidesPass;
        var (sequence, steps) = (Waiting(Length + 1), new List<double>());
        while (sequence.Left > 1)
        {
            var plan = Plan(Answers);
            shares.Add([sequence], meter.Budget(Answers, waiting: 1), plan);
            var count = plan.Tokens - Answers;
            Assert.True(count > 0);
            var seconds = Seconds(At(times, sequence.Computed, count));
            meter.Add(plan, seconds);
            Scheduler.Commit(sequence, count);
            steps.Add(seconds);
        }
        Assert.InRange(steps.Max() / usual, 1, 4);
        Assert.InRange(steps.Sum(), 1, half ? 1.9 : 1.3); // and the prompt is not held up for it
    }

    // The time between those that were measured, in seconds.
    private static double At(double[][] times, int before, int count)
    {
        var row = Between(_before, before, r => Between(_tokens, count, column => times[r][column]));
        return row / 1000;
    }

    private static double Between(int[] places, int at, Func<int, double> value)
    {
        var next = Math.Clamp(Array.FindIndex(places, place => place >= at), 1, places.Length - 1);
        if (at > places[^1]) next = places.Length - 1;
        var share = (double)(at - places[next - 1]) / (places[next] - places[next - 1]);
        return value(next - 1) + (share * (value(next) - value(next - 1)));
    }

    private static StepPlan Plan(int decoding)
    {
        var plan = new StepPlan();
        for (var i = 0; i < decoding; i++) plan.Add(Waiting(1), 1);
        return plan;
    }

    private static Sequence Waiting(int tokens) => new([.. Enumerable.Repeat(1, tokens)], tokens + 1, 64, salt: null);
}
