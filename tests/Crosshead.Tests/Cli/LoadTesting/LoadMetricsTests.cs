using Crosshead.Cli.LoadTesting.Measures;

namespace Crosshead.Tests.Cli.LoadTesting;

public sealed class LoadMetricsTests
{
    private static readonly RequestRecord[] s_requests =
    [
        Answer(sent: 0, prompt: 10, tokens: 5, latency: 1.2, 0.2, 0.4, 1.2),
        Answer(sent: 1, prompt: 20, tokens: 1, latency: 0.5, 0.5),
        new() { Outcome = RequestOutcome.Failed, Sent = 1, PromptTokens = 90, Problem = "500" },
        new() { Outcome = RequestOutcome.Rejected, Sent = 1 },
        new() { Outcome = RequestOutcome.Cancelled, Sent = 1, TokenTimes = [0.1, 9], OutputTokens = 2 },
    ];

    [Fact]
    public void Only_complete_answers_count()
    {
        var metrics = LoadMetrics.Of(s_requests, seconds: 2);
        Assert.Equal((2, 1, 1, 1), (metrics.Done, metrics.Failed, metrics.Rejected, metrics.Cancelled));
        Assert.Equal((30, 6), (metrics.PromptTokens, metrics.OutputTokens));
        Assert.Equal((1, 3, 18), (metrics.RequestThroughput, metrics.OutputThroughput, metrics.TotalThroughput));
        Assert.Null(metrics.Goodput);
        Assert.False(metrics.CountsChunks);
    }

    [Fact]
    public void Latencies_follow_the_definitions_of_the_field()
    {
        var metrics = LoadMetrics.Of(s_requests, seconds: 2);
        Assert.Equal(350, metrics.TimeToFirstToken.Mean, 9); // 200 and 500
        Assert.Equal(250, metrics.TimePerOutputToken.Mean, 9); // (1200 - 200) / (5 - 1); the single token has none
        Assert.Equal(500, metrics.InterTokenLatency.Mean, 9); // 200 and 800
        Assert.Equal(500, metrics.InterTokenLatency.Median, 9);
        Assert.Equal(800, metrics.InterTokenLatency.Longest, 9);
        Assert.Equal(850, metrics.EndToEndLatency.Mean, 9); // 1200 and 500
    }

    [Theory]
    [InlineData("ttft:499", 0.5)]
    [InlineData("ttft:500", 1)]
    [InlineData("tpot:249", 0.5)] // the single token keeps it
    [InlineData("tpot:251", 1)]
    [InlineData("e2el:600,ttft:300", 0)]
    [InlineData("TTFT:500", 1)]
    public void Goodput_counts_answers_that_keep_all_limits(string limits, double expected) =>
        Assert.Equal(expected, LoadMetrics.Of(s_requests, seconds: 2, ServiceLevels.Parse(limits)).Goodput);

    [Theory]
    [InlineData("ttff:2", "--goodput \"ttff\" is unknown; did you mean \"ttft\"?")]
    [InlineData("ttft", "write ttft:200")]
    [InlineData("ttft:-1", "above 0")]
    [InlineData("ttft:1,Ttft:2", "names ttft twice")]
    [InlineData("", "known: ttft, tpot, e2el")]
    public void Other_limits_are_refused(string limits, string told) =>
        Assert.Contains(told, Assert.Throws<CrossheadException>(() => ServiceLevels.Parse(limits)).Message);

    [Fact]
    public void The_effect_of_a_long_prompt_is_the_longest_gap_beside_it()
    {
        RequestRecord[] requests =
        [
            Answer(sent: 0, prompt: 1, tokens: 4, latency: 10, 1, 2, 9, 10),
            Answer(sent: 1, prompt: 1, tokens: 4, latency: 9, 1, 3, 7.5, 9),
            Answer(sent: 3, prompt: 99, tokens: 2, latency: 8, 5, 8) with { IsLong = true },
        ];
        // Sent at 3, first token at 8: gaps 2-9 of the first answer and 4-8.5 of the second, also 2-4.
        Assert.Equal(new LongPromptEffect(WorstGap: 7000, UsualGap: 1000, TimeToFirstToken: 5000),
            LongPromptEffect.Of(requests));
        Assert.Null(LongPromptEffect.Of(requests[..2]));
    }

    private static RequestRecord Answer(double sent, int prompt, int tokens, double latency, params double[] texts) =>
        new()
        {
            Outcome = RequestOutcome.Done,
            Sent = sent,
            PromptTokens = prompt,
            OutputTokens = tokens,
            Latency = latency,
            TokenTimes = texts,
        };
}
