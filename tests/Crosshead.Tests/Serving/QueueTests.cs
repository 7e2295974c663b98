using Crosshead.Generation;
using Crosshead.Serving;

namespace Crosshead.Tests.Serving;

/// <summary>What the queue takes, what it refuses, and how long a request may take.</summary>
public sealed class QueueTests
{
    private static EngineRequest Request(int length, int most, int seed = 1) => new()
    {
        Prompt = [.. Enumerable.Range(0, length).Select(i => (i * seed) % TestEngine.Vocabulary)],
        MaxTokens = most,
        Sampling = new SamplingOptions { Seed = seed },
    };

    private static EngineOverloadedException Refused(TestEngine engine, EngineRequest request) =>
        Assert.Throws<EngineOverloadedException>(() => engine.Submit(request));

    [Fact]
    public void A_full_queue_refuses_at_once_and_those_within_are_unharmed()
    {
        using var engine = new TestEngine(2, 40, new EngineOptions { MaxQueued = 3 });
        var requests = Enumerable.Range(1, 5).Select(i => Request(9, 3, i)).ToArray();
        var calls = requests.Select(engine.Submit).ToArray();
        var refused = Refused(engine, Request(1, 1));
        Assert.Contains("5 requests wait or run, and the limit is 2 + 3", refused.Message);
        Assert.InRange(refused.RetryAfter, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));
        engine.Finish();
        for (var i = 0; i < 5; i++) engine.AssertAlone(requests[i], calls[i], TestEngine.Read(calls[i]));
        engine.Submit(Request(1, 1)); // there is room again
        engine.Finish();
    }

    [Fact]
    public void A_queue_that_holds_many_tokens_refuses_but_takes_a_request_whole_before()
    {
        using var engine = new TestEngine(2, 40, new EngineOptions { MaxQueuedTokens = 60 });
        engine.Submit(Request(50, 1));
        engine.Submit(Request(100, 1));
        Assert.Contains("150 prompt tokens wait, and the limit is 60", Refused(engine, Request(1, 1)).Message);
        engine.Finish();
        engine.Submit(Request(100, 1));
        engine.Finish();
    }

    [Fact]
    public void Prompts_that_are_submitted_together_count_as_one_request()
    {
        using var engine = new TestEngine(2, 60, new EngineOptions { MaxQueued = 1 });
        var requests = Enumerable.Range(1, 100).Select(i => Request(3, 4, i) with { Choices = 1 + (i % 2) }).ToArray();
        var first = ((IEngine)engine.Engine).Submit(requests);
        var second = ((IEngine)engine.Engine).Submit(requests);
        engine.Submit(requests[0]);
        Refused(engine, requests[0]);
        for (var i = 0; i < 5; i++) engine.Step();
        Refused(engine, requests[0]); // some prompts have been answered, but not all
        engine.Finish();
        for (var i = 0; i < 100; i++)
            foreach (var call in new[] { first[i], second[i] })
                engine.AssertAlone(requests[i], call, TestEngine.Read(call));
        engine.Submit(requests[0]);
    }

    [Fact]
    public void Of_requests_that_are_submitted_together_all_are_taken_or_none()
    {
        using var engine = new TestEngine(2, 60);
        var refused = Assert.Throws<CrossheadException>(() => engine.Engine.Submit([Request(3, 4), Request(0, 4)]));
        Assert.Contains("the prompt has no tokens", refused.Message);
        Assert.Equal(0, engine.Engine.Statistics.Waiting);
        Assert.Empty(engine.Engine.Submit((EngineRequest[])[]));
        Assert.False(engine.Step());
    }

    [Fact]
    public void Requests_that_are_submitted_together_share_a_seed_that_was_not_given()
    {
        using var engine = new TestEngine(2, 60);
        var request = Request(3, 9) with { Sampling = new() };
        var calls = engine.Engine.Submit([request, request]);
        engine.Finish();
        Assert.Equal(calls[0].Seed, calls[1].Seed);
        Assert.Equal(TestEngine.Read(calls[0]), TestEngine.Read(calls[1]));
    }

    [Fact]
    public void What_a_full_queue_refuses_costs_little_and_leaves_nothing()
    {
        using var engine = new TestEngine(4, 60, new EngineOptions { MaxQueued = 64 });
        var request = Request(60, 10);
        for (var i = 0; i < 68; i++) engine.Submit(request);
        var bytes = Allocations.Of(() =>
        {
            for (var i = 0; i < 640; i++) Refused(engine, request);
        });
        Assert.InRange(bytes / 640, 1, 8192); // an exception and its message
        Assert.Equal(68 * 60, engine.Engine.Statistics.WaitingTokens);
        Assert.Equal(68, engine.Engine.Statistics.Waiting);
    }

    [Fact]
    public async Task A_request_that_takes_too_long_fails_whether_it_waits_or_runs()
    {
        using var engine = new TestEngine(2, 100, new EngineOptions { RequestTimeout = TimeSpan.FromSeconds(5) });
        engine.Decoder.Cost = (TimeSpan.FromSeconds(1), TimeSpan.Zero);
        var requests = new[] { Request(3, 100), Request(3, 3, 2), Request(3, 100, 3), Request(3, 100, 4) };
        var calls = requests.Select(engine.Submit).ToArray();
        for (var i = 0; i < 6; i++) engine.Step();
        foreach (var (i, told) in new[] { (0, 5), (2, 2), (3, 0) })
        {
            var events = TestEngine.Read(calls[i]);
            Assert.Equal(told, events.Count);
            Assert.All(events, e => Assert.Null(e.Stop));
            var failure = await Assert.ThrowsAsync<EngineTimeoutException>(() => calls[i].Events.Completion);
            Assert.Contains("not complete after 5 s", failure.Message);
        }
        engine.AssertAlone(requests[1], calls[1], TestEngine.Read(calls[1]));
        Assert.Equal((0, 0, 0L), (engine.Engine.Statistics.Running, engine.Engine.Statistics.Waiting,
            engine.Engine.Statistics.WaitingTokens));
        var late = engine.Submit(requests[1]); // its time begins with its arrival
        engine.Finish();
        engine.AssertAlone(requests[1], late, TestEngine.Read(late));
    }
}
