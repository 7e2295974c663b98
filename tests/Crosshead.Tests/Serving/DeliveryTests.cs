using Crosshead.Generation;
using Crosshead.Serving;
using Crosshead.Tests.Generation;

namespace Crosshead.Tests.Serving;

/// <summary>How events come to readers while the engine goes on.</summary>
public sealed class DeliveryTests
{
    private static EngineRequest Request(int seed, int most) => new()
    {
        Prompt = [seed % TestEngine.Vocabulary, 2, 3],
        MaxTokens = most,
        Sampling = new SamplingOptions { Seed = seed },
    };

    private static FakeDecoder Decoder(int slots) => new(slots, 400, TestEngine.PageTokens, TestEngine.Vocabulary);

    private static async Task<List<EngineEvent>> Read(EngineCall call)
    {
        List<EngineEvent> events = [];
        await foreach (var step in call.Events.ReadAllAsync(TestContext.Current.CancellationToken)) events.Add(step);
        return events;
    }

    [Fact]
    public async Task Events_of_many_readers_come_in_order_with_choices_in_step()
    {
        using var decoder = Decoder(16);
        using var engine = new Engine(decoder, new LetterCodec(), 1000, new EngineOptions { MaxEvents = 4 });
        var requests = Enumerable.Range(0, 32).Select(i => Request(i, 60) with { Choices = 1 + (i % 3) }).ToArray();
        var calls = requests.Select(engine.Submit).ToArray();
        var events = await Task.WhenAll(calls.Select(call => Task.Run(() => Read(call))));
        for (var i = 0; i < 32; i++)
            for (var choice = 0; choice < requests[i].Choices; choice++)
                Assert.Equal(Expected.Events(requests[i], choice, engine.Context, TestEngine.Vocabulary, i),
                    events[i].Where(e => e.Choice == choice));
    }

    [Fact]
    public async Task A_reader_that_stands_still_does_not_hold_up_others_and_gets_all_in_the_end()
    {
        const int Most = 6;
        using var decoder = Decoder(4);
        using var engine = new Engine(decoder, new LetterCodec(), 1000, new EngineOptions { MaxEvents = Most });
        var still = engine.Submit(Request(1, 200) with { Choices = 2 });
        for (var i = 2; i < 6; i++) Assert.Equal(150, (await Read(engine.Submit(Request(i, 150)))).Count);
        Assert.InRange(still.Events.Count, Most, Most + 2); // a step's events more
        var events = await Read(still);
        for (var choice = 0; choice < 2; choice++)
            Assert.Equal(Expected.Events(Request(1, 200), choice, engine.Context, TestEngine.Vocabulary, 1),
                events.Where(e => e.Choice == choice));
    }

    [Fact]
    public async Task A_fault_comes_after_the_tokens_before_it()
    {
        const int Steps = 40;
        using var decoder = Decoder(4);
        using var submitted = new ManualResetEventSlim();
        var step = 0;
        decoder.Before = _ =>
        {
            submitted.Wait();
            if (step++ == Steps) throw new InvalidOperationException("the device is lost");
        };
        using var engine = new Engine(decoder, new LetterCodec(), 1000, new EngineOptions());
        var first = engine.Submit(Request(1, 900)); // its step waits until the others are there
        var calls = Enumerable.Range(2, 3).Select(i => engine.Submit(Request(i, 900))).Prepend(first).ToArray();
        submitted.Set();
        for (var i = 0; i < 4; i++)
        {
            List<EngineEvent> events = [];
            var failure = await Assert.ThrowsAsync<CrossheadException>(async () =>
            {
                await foreach (var told in calls[i].Events.ReadAllAsync(TestContext.Current.CancellationToken))
                    events.Add(told);
            });
            Assert.Contains("the device is lost", failure.Message);
            Assert.InRange(events.Count, Steps - 1, Steps);
            Assert.Equal(Expected.Events(Request(i + 1, 900), 0, engine.Context, TestEngine.Vocabulary, i + 1)
                .Take(events.Count), events);
        }
    }

    [Fact]
    public void Everything_is_delivered_when_an_engine_is_disposed()
    {
        for (var round = 0; round < 20; round++)
        {
            using var decoder = Decoder(8);
            var engine = new Engine(decoder, new LetterCodec(), 1000, new EngineOptions { MaxQueued = 100 });
            var calls = Enumerable.Range(0, 30).Select(i => engine.Submit(Request(i, 2 + i))).ToArray();
            while (engine.Statistics.GeneratedTokens < 10 * round) Thread.Yield();
            engine.Dispose();
            for (var i = 0; i < 30; i++)
            {
                var events = TestEngine.Read(calls[i]);
                Assert.True(calls[i].Events.Completion.IsCompletedSuccessfully);
                if (events[^1].Stop == StopReason.Cancelled) events.RemoveAt(events.Count - 1);
                Assert.Equal(Expected.Events(Request(i, 2 + i), 0, engine.Context, TestEngine.Vocabulary, i)
                    .Take(events.Count), events);
            }
        }
    }

    [Fact]
    public async Task What_has_drained_has_been_delivered()
    {
        using var decoder = Decoder(8);
        using var engine = new Engine(decoder, new LetterCodec(), 1000, new EngineOptions());
        var calls = Enumerable.Range(0, 30).Select(i => engine.Submit(Request(i, 20))).ToArray();
        await engine.DrainAsync(TimeSpan.FromMinutes(1));
        foreach (var call in calls)
        {
            Assert.Equal(20, TestEngine.Read(call).Count);
            Assert.True(call.Events.Completion.IsCompletedSuccessfully);
        }
        Assert.Equal(30 * 20, engine.Statistics.GeneratedTokens);
        Assert.Equal((0, 0), (engine.Statistics.Running, engine.Statistics.Waiting));
    }

    [Fact]
    public async Task Who_has_read_an_end_finds_room_and_the_tokens_counted()
    {
        using var decoder = Decoder(1);
        using var engine = new Engine(decoder, new LetterCodec(), 1000, new EngineOptions { MaxQueued = 1 });
        for (var i = 1; i <= 50; i++)
        {
            var calls = new[] { engine.Submit(Request(i, 3)), engine.Submit(Request(i, 3)) };
            foreach (var call in calls) await Read(call);
            Assert.Equal(6 * i, engine.Statistics.GeneratedTokens);
            Assert.Equal((0, 0), (engine.Statistics.Running, engine.Statistics.Waiting));
        }
    }
}
