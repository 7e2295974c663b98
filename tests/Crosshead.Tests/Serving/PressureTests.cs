using Crosshead.Generation;
using Crosshead.Serving;

namespace Crosshead.Tests.Serving;

/// <summary>More work than room: what waits, what gives way, and that everything ends.</summary>
public sealed class PressureTests
{
    private static EngineRequest Request(int length, int most, int seed = 1, int priority = 0) => new()
    {
        Prompt = [.. Enumerable.Range(0, length).Select(i => (i * seed) % TestEngine.Vocabulary)],
        MaxTokens = most,
        Sampling = new SamplingOptions { Seed = seed },
        Priority = priority,
    };

    [Fact]
    public void With_more_demand_than_pages_all_end_as_alone_and_nobody_gives_way_more_than_three_times()
    {
        using var engine = new TestEngine(12, 60, new EngineOptions { MaxQueued = 1000 });
        var random = new Random(1);
        var (requests, calls) = (new List<EngineRequest>(), new List<EngineCall>());
        var most = 0;
        for (var step = 0; step < 3000; step++)
        {
            if (engine.Engine.Statistics.Waiting < 3 && step < 2500)
            {
                requests.Add(Request(random.Next(1, 30), random.Next(1, 60), requests.Count + 1));
                calls.Add(engine.Submit(requests[^1]));
            }
            engine.Step();
            foreach (var sequence in engine.Scheduler.Running) most = Math.Max(most, sequence.Preemptions);
        }
        engine.Finish();
        Assert.True(requests.Count > 200, $"{requests.Count}");
        Assert.True(engine.Engine.Statistics.Preemptions > 20, $"{engine.Engine.Statistics.Preemptions}");
        Assert.InRange(most, 1, 3);
        for (var i = 0; i < calls.Count; i++) engine.AssertAlone(requests[i], calls[i], TestEngine.Read(calls[i]));
    }

    [Fact]
    public void All_that_decode_get_a_token_in_each_step_while_a_long_prompt_is_computed()
    {
        using var engine = new TestEngine(9, 400, new EngineOptions { MaxStepTokens = 64 });
        var decoders = Enumerable.Range(1, 8).Select(i => engine.Submit(Request(4, 200, i))).ToArray();
        for (var i = 0; i < 4; i++) engine.Step();
        foreach (var call in decoders) TestEngine.Read(call);
        var prompt = engine.Submit(Request(500, 1));
        var steps = 0;
        for (; TestEngine.Read(prompt).Count == 0; steps++)
        {
            engine.Step();
            foreach (var call in decoders) Assert.Single(TestEngine.Read(call));
        }
        Assert.InRange(steps, 500 / 56, 40);
    }

    [Fact]
    public void A_prompt_takes_no_more_of_a_step_than_its_share_of_time()
    {
        var options = new EngineOptions { MaxStepTokens = 1000, PrefillGrain = 4, StepTarget = 4 };
        using var engine = new TestEngine(4, 2000, options);
        engine.Decoder.Cost = (TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(1));
        List<double> seconds = [];
        engine.Submit(Request(300, 100));
        engine.Submit(Request(4, 100, 2));
        for (var i = 0; i < 20; i++) engine.Step();
        engine.Engine.Stepped += (_, s) => seconds.Add(s);
        for (var i = 0; i < 5; i++) engine.Step();
        var alone = seconds[^1];
        engine.Submit(Request(900, 1, 3));
        for (var i = 0; i < 10; i++) engine.Step();
        Assert.InRange(seconds.Max(), 2 * alone, 5.2 * alone); // four times for the prompt, and its own step
    }

    [Fact]
    public void Short_prompts_do_not_slow_down_a_long_one_that_follows()
    {
        // A pass takes long and its tokens nothing, so that short prompts look slow.
        using var engine = new TestEngine(4, 2000, new EngineOptions { MaxStepTokens = 1000, MaxQueued = 100 });
        engine.Decoder.Cost = (TimeSpan.FromMilliseconds(20), TimeSpan.FromMicroseconds(1));
        engine.Submit(Request(16, 600));
        for (var i = 0; i < 30; i++)
        {
            engine.Submit(Request(17, 1, i + 2));
            engine.Step();
            engine.Step();
        }
        var call = engine.Submit(Request(5000, 1, 50));
        var steps = 0;
        for (; call.Times.FirstToken == 0; steps++) engine.Step();
        Assert.InRange(steps, 5, 20);
    }

    [Fact]
    public void A_slow_beginning_does_not_let_short_prompts_start_one_by_one()
    {
        const int Answers = 400;
        using var engine = new TestEngine(Answers, 60_000,
            new EngineOptions { MaxStepTokens = 512, MaxQueued = 1000, PrefixCache = false });
        for (var i = 0; i < Answers; i++) engine.Submit(Request(11, 500, i + 1));
        // The first step takes long, as where memory is touched for the first time.
        engine.Decoder.Cost = (TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(3));
        engine.Step();
        engine.Decoder.Cost = (TimeSpan.FromMilliseconds(1), TimeSpan.FromMicroseconds(30));
        for (var steps = 1; engine.Engine.Statistics.Running < Answers; steps++)
        {
            Assert.True(steps < 120, $"{engine.Engine.Statistics.Running} run after {steps} steps");
            engine.Step();
        }
    }

    [Fact]
    public void Prompts_share_a_step_and_the_shortest_is_done_first()
    {
        using var engine = new TestEngine(4, 400, new EngineOptions { MaxStepTokens = 40, PrefillGrain = 4 });
        var calls = new[] { 400, 60, 20 }.Select((n, i) => engine.Submit(Request(n, 1, i + 1))).ToArray();
        var done = new int[3];
        for (var step = 1; done.Contains(0); step++)
        {
            engine.Step();
            for (var i = 0; i < 3; i++)
                if (done[i] == 0 && TestEngine.Read(calls[i]).Count > 0) done[i] = step;
        }
        Assert.InRange(done[2], 1, 2);
        Assert.InRange(done[1], 3, 5);
        Assert.Equal(480 / 40, done[0]); // no token of any step is left unused
    }

    [Fact]
    public void A_small_request_overtakes_a_large_one_that_lacks_pages_but_not_forever()
    {
        using var engine = new TestEngine(8, 32, new EngineOptions { MaxQueued = 100, PrefixCache = false });
        engine.Submit(Request(60, 40)); // holds 15 pages, and up to 25
        engine.Step();
        var large = engine.Submit(Request(80, 2, 2));
        var started = 0;
        for (var step = 0; large.Times.Started == 0; step++)
        {
            Assert.True(step < 500, "the large one starves");
            if (engine.Engine.Statistics.Waiting < 3) engine.Submit(Request(5, 2, 3 + step));
            engine.Step();
            started = Math.Max(started, (int)engine.Engine.Statistics.Running);
        }
        Assert.True(started > 1, "nobody overtook");
        engine.Finish();
    }

    [Fact]
    public void Requests_start_in_the_order_in_which_they_came_and_by_priority_if_that_is_asked_for()
    {
        foreach (var priorities in new[] { false, true })
        {
            using var engine = new TestEngine(1, 40, new EngineOptions { Priorities = priorities });
            var calls = new[] { 0, 2, 1, 2, 0 }.Select((p, i) => engine.Submit(Request(9, 3, i + 1, p))).ToArray();
            engine.Finish();
            var order = calls.Select((c, i) => (c.Times.Started, i)).Order().Select(c => c.i);
            Assert.Equal(priorities ? [0, 4, 2, 1, 3] : [0, 1, 2, 3, 4], order);
            Assert.All(calls, c => Assert.True(c.Times.Arrived <= c.Times.Started
                && c.Times.Started < c.Times.FirstToken && c.Times.FirstToken < c.Times.Ended));
        }
    }

    [Fact]
    public void A_request_as_long_as_all_pages_is_served()
    {
        using var engine = new TestEngine(2, 10);
        Assert.Equal(40, engine.Engine.Context);
        var requests = new[] { Request(30, 10, 2), Request(39, 1, 3), Request(1, 39, 4) };
        var calls = requests.Select(engine.Submit).ToArray();
        engine.Finish();
        for (var i = 0; i < 3; i++) engine.AssertAlone(requests[i], calls[i], TestEngine.Read(calls[i]));
    }
}
