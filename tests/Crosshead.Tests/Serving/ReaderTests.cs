using Crosshead.Generation;
using Crosshead.Serving;

namespace Crosshead.Tests.Serving;

/// <summary>Callers that read slowly, stop reading, or go away.</summary>
public sealed class ReaderTests
{
    // A call that nobody reads keeps what it has for a second, and then another starts.
    private static void AssertGivesWay(int slots, int pages, EngineRequest unread, EngineRequest waiting)
    {
        using var engine = new TestEngine(slots, pages, new EngineOptions { MaxEvents = 8, PrefixCache = false });
        var slow = engine.Submit(unread);
        Steps(engine, 20);
        Assert.Equal(unread.Choices, engine.Engine.Statistics.Running);

        var other = engine.Submit(waiting);
        Steps(engine, 2);
        Assert.Empty(TestEngine.Read(other));
        engine.Clock.Advance(TimeSpan.FromSeconds(1));
        Steps(engine, 5);
        Assert.Equal(waiting.MaxTokens, TestEngine.Read(other).Count);
        Assert.False(slow.Events.Completion.IsCompleted);
    }

    private static EngineRequest Request(int most, int choices = 1) => new()
    {
        Prompt = [1, 2, 3, 4, 5, 6],
        MaxTokens = most,
        Sampling = new SamplingOptions { Seed = 5 },
        Choices = choices,
    };

    private static void Steps(TestEngine engine, int count)
    {
        for (var i = 0; i < count; i++) engine.Step();
    }

    [Fact]
    public void A_reader_that_stops_pauses_then_loses_its_pages_and_is_cancelled_in_the_end()
    {
        using var engine = new TestEngine(2, 100, new EngineOptions { MaxEvents = 8 });
        engine.Decoder.Cost = (TimeSpan.FromMilliseconds(10), TimeSpan.Zero);
        var (slow, other) = (engine.Submit(Request(100)), engine.Submit(Request(300) with { CacheSalt = "own" }));
        for (var i = 0; i < 30; i++)
        {
            engine.Step();
            if (i > 1) Assert.Single(TestEngine.Read(other)); // never waits for the other reader
            else TestEngine.Read(other);
        }
        Assert.Equal(8, slow.Events.Count);
        Assert.Equal(2, engine.Engine.Statistics.Running);

        engine.Clock.Advance(TimeSpan.FromSeconds(10));
        Steps(engine, 2);
        Assert.Equal(1, engine.Engine.Statistics.Running);
        Assert.Equal(1, engine.Engine.Statistics.Preemptions);
        Assert.Equal(1, engine.Engine.Statistics.Waiting);

        engine.Clock.Advance(TimeSpan.FromSeconds(51));
        Steps(engine, 2);
        Assert.Equal(StopReason.Cancelled, TestEngine.Read(slow)[^1].Stop);
        Assert.True(slow.Events.Completion.IsCompletedSuccessfully);
        Assert.Equal(0, engine.Engine.Statistics.Waiting);
    }

    [Fact]
    public void Readers_that_stop_with_all_slots_lose_them_to_one_that_waits() =>
        AssertGivesWay(slots: 2, pages: 100, Request(100, choices: 2), Request(3));

    [Fact]
    public void Readers_that_stop_with_all_pages_lose_them_to_one_that_waits() =>
        AssertGivesWay(slots: 4, pages: 6, Request(14),
            new EngineRequest { Prompt = [.. Enumerable.Range(1, 12)], MaxTokens = 2 });

    [Fact]
    public void However_many_answers_are_not_read_another_call_starts_before_them()
    {
        using var engine = new TestEngine(4, 200, new EngineOptions { MaxEvents = 8, PrefixCache = false });
        var slow = Enumerable.Range(0, 24).Select(_ => engine.Submit(Request(100, choices: 4))).ToArray();
        for (var wave = 0; wave < 20; wave++)
        {
            Steps(engine, 12);
            engine.Clock.Advance(TimeSpan.FromSeconds(2.5)); // each wave gives its slots to the next one
        }
        Assert.True(engine.Engine.Statistics.Waiting > 64);

        var other = engine.Submit(Request(3));
        Steps(engine, 12);
        engine.Clock.Advance(TimeSpan.FromSeconds(1));
        Steps(engine, 12);
        Assert.Equal(3, TestEngine.Read(other).Count);
    }

    [Fact]
    public void What_was_asked_for_with_an_answer_that_is_not_read_starts_after_others()
    {
        using var engine = new TestEngine(2, 100, new EngineOptions { MaxEvents = 8, PrefixCache = false });
        var slow = engine.Engine.Submit(Enumerable.Repeat(Request(100, choices: 2), 9).ToArray());
        Steps(engine, 12);
        var others = Enumerable.Range(0, 4).Select(_ => engine.Submit(Request(3))).ToArray();
        Steps(engine, 1);
        engine.Clock.Advance(TimeSpan.FromSeconds(1));
        Steps(engine, 20);
        Assert.All(others, other => Assert.Equal(3, TestEngine.Read(other).Count));
        var ended = others[3].Times.Ended;
        Assert.All(slow.Skip(2), call => Assert.True(call.Times.Started == 0 || call.Times.Started >= ended));

        List<EngineEvent>[] events = [.. slow.Select(_ => new List<EngineEvent>())];
        for (var i = 0; engine.Engine.Statistics is not { Running: 0, Waiting: 0 }; i++)
        {
            Assert.True(i < 5000, "the calls do not go on");
            for (var c = 0; c < slow.Count; c++) events[c].AddRange(TestEngine.Read(slow[c]));
            engine.Step();
        }
        for (var c = 0; c < slow.Count; c++)
        {
            events[c].AddRange(TestEngine.Read(slow[c]));
            engine.AssertAlone(Request(100, choices: 2), slow[c], events[c]);
        }
    }

    [Fact]
    public void A_reader_that_comes_back_gets_the_answer_that_it_would_have_got()
    {
        foreach (var pause in new[] { 1, 11, 59 })
        {
            using var engine = new TestEngine(2, 100, new EngineOptions { MaxEvents = 4 });
            var request = Request(40, choices: 2);
            var call = engine.Submit(request);
            Steps(engine, 20);
            engine.Clock.Advance(TimeSpan.FromSeconds(pause));
            Steps(engine, 5);
            List<EngineEvent> events = [];
            for (var i = 0; engine.Engine.Statistics is not { Running: 0, Waiting: 0 }; i++)
            {
                Assert.True(i < 500, "the call does not go on");
                events.AddRange(TestEngine.Read(call));
                engine.Step();
            }
            events.AddRange(TestEngine.Read(call));
            engine.AssertAlone(request, call, events);
        }
    }

    [Fact]
    public void Cancelled_calls_free_their_pages_within_two_steps_whatever_their_state()
    {
        foreach (var choices in new[] { 1, 4 })
        {
            for (var before = 0; before < 12; before++)
            {
                using var engine = new TestEngine(3, 100, new EngineOptions { MaxStepTokens = 4, PrefixCache = false });
                var other = engine.Submit(Request(3) with { CacheSalt = "own" });
                var call = engine.Submit(Request(20, choices));
                Steps(engine, before);
                call.Cancel();
                call.Cancel();
                Steps(engine, 2);
                Assert.Equal(choices, TestEngine.Read(call).Count(e => e.Stop == StopReason.Cancelled));
                Assert.True(call.Events.Completion.IsCompletedSuccessfully);
                engine.Finish();
                Assert.Equal(100, engine.Engine.Statistics.FreePages);
                Assert.Equal(0, engine.Engine.Statistics.WaitingTokens);
                Assert.Equal(3, TestEngine.Read(other).Count);
                call.Cancel(); // after its end: nothing
                engine.Step();
            }
        }
    }

    [Fact]
    public void A_thousand_callers_that_vanish_leave_room_for_the_next_one()
    {
        using var engine = new TestEngine(8, 100, new EngineOptions { MaxQueued = 1000 });
        var calls = Enumerable.Range(0, 1000).Select(_ => engine.Submit(Request(50))).ToArray();
        Steps(engine, 5);
        foreach (var call in calls) call.Cancel();
        var next = engine.Submit(Request(2));
        for (var i = 0; i < 20; i++) engine.Step(); // 64 calls are taken in a step
        Assert.Equal(2, TestEngine.Read(next).Count);
        Assert.All(calls, call => Assert.Equal(StopReason.Cancelled, TestEngine.Read(call)[^1].Stop));
    }
}
