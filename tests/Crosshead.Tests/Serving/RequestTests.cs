using Crosshead.Generation;
using Crosshead.Serving;
using Crosshead.Tests.Generation;

namespace Crosshead.Tests.Serving;

/// <summary>What an engine refuses, and what its parts say.</summary>
public sealed class RequestTests
{
    private static readonly EngineRequest Good = new() { Prompt = [1, 2, 3], MaxTokens = 5 };

    public static TheoryData<string> Cases => [.. s_cases.Keys];

    private static readonly Dictionary<string, EngineRequest> s_cases = new()
    {
        ["the prompt has no tokens"] = Good with { Prompt = [] },
        ["the prompt holds token 24 at place 1; the model knows tokens 0 to 23"] = Good with { Prompt = [1, 24] },
        ["the prompt holds token -1 at place 0"] = Good with { Prompt = [-1] },
        ["endTokens holds token 24"] = Good with { EndTokens = [24] },
        ["maxTokens (-1) is out of range; use 0 or more"] = Good with { MaxTokens = -1 },
        ["prompt (3) + maxTokens (38) exceed the context of 40 tokens; shorten the prompt or ask for at most 37"] =
            Good with { MaxTokens = 38 },
        ["prompt (3) + maxTokens (2147483647) exceed"] = Good with { MaxTokens = int.MaxValue },
        ["prompt (50) + maxTokens (0) exceed the context of 40 tokens; shorten the prompt to less than 40 tokens"] =
            Good with { Prompt = new int[50], MaxTokens = 0 },
        ["minTokens (6) is out of range; use 0 to maxTokens (5)"] = Good with { MinTokens = 6 },
        ["minTokens (-1)"] = Good with { MinTokens = -1 },
        ["choices (0) is out of range; use 1 to 1024"] = Good with { Choices = 0 },
        ["choices (1025) is out of range; use 1 to 1024"] = Good with { Choices = 1025 },
        ["logprobs (-1) is out of range; use 0 to 24"] = Good with { Logprobs = -1 },
        ["logprobs (25)"] = Good with { Logprobs = 25 },
        ["promptLogprobs (25) is out of range; use 0 to 24"] = Good with { PromptLogprobs = 25 },
        ["a stop string is empty"] = Good with { StopStrings = ["a", ""] },
        ["temperature (-1)"] = Good with { Sampling = new() { Temperature = -1 } },
        ["presencePenalty (3) is out of range; use -2 to 2"] = Good with { Sampling = new() { PresencePenalty = 3 } },
        ["logitBias of token 1 (101) is out of range; use -100 to 100"] =
            Good with { Sampling = new() { LogitBias = new Dictionary<int, float> { [1] = 101 } } },
        ["logitBias names token 24; the model knows tokens 0 to 23"] =
            Good with { Sampling = new() { LogitBias = new Dictionary<int, float> { [24] = 1 } } },
    };

    [Theory, MemberData(nameof(Cases))]
    public void Requests_out_of_range_are_refused_at_once_in_one_line(string message)
    {
        using var engine = new TestEngine(2, 10, new EngineOptions { MaxQueued = 3 });
        var e = Assert.Throws<CrossheadException>(() => engine.Submit(s_cases[message]));
        Assert.Contains(message, e.Message);
        Assert.Equal(0, engine.Engine.Statistics.Waiting);
    }

    [Fact]
    public void The_context_is_the_smallest_of_all_limits()
    {
        using var pages = new TestEngine(2, 10);
        using var model = new TestEngine(2, 10, modelContext: 30);
        using var option = new TestEngine(2, 10, new EngineOptions { MaxContext = 20 });
        Assert.Equal((40, 30, 20), (pages.Engine.Context, model.Engine.Context, option.Engine.Context));
        Assert.Equal(20, option.Engine.Options.MaxContext);
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        var e = Assert.Throws<CrossheadException>(() => new TestEngine(2, 10, new EngineOptions { StepTarget = 0.5 }));
        Assert.Contains("stepTarget (0.5)", e.Message);
        e = Assert.Throws<CrossheadException>(() => new TestEngine(2, 10, new() { StallTimeout = TimeSpan.Zero }));
        Assert.Contains("stallTimeout (0) is out of range; use more than 0 s", e.Message);
        e = Assert.Throws<CrossheadException>(() => new TestEngine(2, 10, new() { RequestTimeout = TimeSpan.Zero }));
        Assert.Contains("requestTimeout (0) is out of range; use more than 0 s", e.Message);
    }

    [Fact]
    public void Tokens_that_the_tokenizer_does_not_know_are_never_drawn_but_as_end_tokens()
    {
        using var decoder = new FakeDecoder(2, 200, 4, 24);
        using var engine = new Engine(decoder, new LetterCodec { Size = 20, Unknown = 7 }, 500, new EngineOptions(),
            new ManualClock(), starts: false);
        var free = engine.Submit(Good with { MaxTokens = 300, Sampling = new() { Seed = 1, Temperature = 9 } });
        var ended = engine.Submit(Good with
        {
            MaxTokens = 300,
            EndTokens = [22],
            Sampling = new() { Seed = 1, Temperature = 9 },
        });
        while (engine.Loop.Step() || engine.Statistics.Waiting > 0)
            if (free.Events.Count > 200) break;
        var ids = TestEngine.Read(free).Select(e => e.Id).ToArray();
        Assert.True(ids.Length > 200);
        Assert.All(ids, id => Assert.True(id < 20 && id != 7));
        Assert.Equal((22, StopReason.EndToken), TestEngine.Read(ended).Select(e => (e.Id, e.Stop!.Value)).Last());
        engine.Loop.CancelAll();
    }

    [Fact]
    public void A_seed_that_was_not_given_is_reported_and_repeats_the_answer()
    {
        using var engine = new TestEngine(2, 40);
        var (first, second) = (engine.Submit(Good), engine.Submit(Good));
        Assert.NotEqual(first.Seed, second.Seed);
        var again = engine.Submit(Good with { Sampling = new() { Seed = first.Seed } });
        engine.Finish();
        Assert.Equal(TestEngine.Read(first), TestEngine.Read(again));
    }

    [Fact]
    public void A_request_draws_from_the_stream_that_it_names()
    {
        using var engine = new TestEngine(4, 64, new EngineOptions());
        var request = Good with { MaxTokens = 20, Sampling = new() { Seed = 7, Temperature = 9 } };
        var several = engine.Submit(request with { Choices = 4 });
        var one = engine.Submit(request with { Stream = 2 });
        engine.Finish();
        Assert.Equal(TestEngine.Read(several).Where(e => e.Choice == 2).Select(e => e.Id),
            TestEngine.Read(one).Select(e => e.Id));
    }

    [Fact]
    public void Log_probabilities_are_the_softmax_of_the_logits_to_seven_digits()
    {
        var random = new Random(3);
        foreach (var size in new[] { 1, 2, 15, 16, 17, 1024, 1025, 150_000 })
        {
            var logits = Enumerable.Range(0, size).Select(_ => (random.NextSingle() * 40) - 20).ToArray();
            if (size > 4) logits[3] = float.NegativeInfinity;
            var sum = Math.Log(logits.Sum(l => Math.Exp(l)));
            var row = LogprobRow.Of(logits, size / 2, 20);
            Assert.Equal(logits[size / 2] - sum, row.Logprob, 2e-6 * Math.Max(1, Math.Abs(row.Logprob)));
            var best = Enumerable.Range(0, size).OrderByDescending(i => logits[i]).ThenBy(i => i).Take(20).ToArray();
            Assert.Equal(best, row.Top.Select(t => t.Id));
            Assert.All(row.Top, t => Assert.Equal((float)(logits[t.Id] - sum), t.Logprob, 1e-5f));
        }
        Assert.Equal([0, 2], LogprobRow.Of([5, 1, 5], 1, 2).Top.Select(t => t.Id)); // the lowest of equals
        Assert.Throws<CrossheadException>(() => LogprobRow.Of([1, float.NaN], 0, 1));
    }
}
