using Crosshead.Generation;
using Crosshead.Serving;
using Crosshead.Tests.Generation;
using Generator = Crosshead.TextModels.Generator;

namespace Crosshead.Tests.Serving;

/// <summary>The engine on its own thread, with callers on others.</summary>
public sealed class EngineTests
{
    private static async Task<List<EngineEvent>> Read(EngineCall call)
    {
        List<EngineEvent> events = [];
        await foreach (var step in call.Events.ReadAllAsync(TestContext.Current.CancellationToken)) events.Add(step);
        return events;
    }

    private static EngineRequest Request(int seed, int most = 10) => new()
    {
        Prompt = [.. Enumerable.Range(0, 1 + (seed % 20)).Select(i => (seed + i) % TestEngine.Vocabulary)],
        MaxTokens = most,
        Sampling = new SamplingOptions { Seed = seed },
    };

    [Fact]
    public async Task Many_callers_at_once_get_their_answers()
    {
        using var decoder = new FakeDecoder(8, 64, TestEngine.PageTokens, TestEngine.Vocabulary);
        using var engine = new Engine(decoder, new LetterCodec(), 1000, new EngineOptions { MaxQueued = 1000 });
        await Parallel.ForAsync(0, 300, TestContext.Current.CancellationToken, async (i, _) =>
        {
            var call = engine.Submit(Request(i));
            if (i % 7 == 0) call.Cancel();
            var events = await Read(call);
            Assert.NotNull(events[^1].Stop);
            if (i % 7 == 0) return;
            var expected = Expected.Events(Request(i), 0, engine.Context, TestEngine.Vocabulary, i);
            Assert.Equal(expected, events);
        });
        await engine.DrainAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(EngineState.Draining, engine.State);
        Assert.Equal(64, engine.Statistics.FreePages + engine.Statistics.CachedPages);
        Assert.Throws<EngineOverloadedException>(() => engine.Submit(Request(1)));
    }

    [Fact]
    public void Large_vocabularies_are_drawn_on_several_threads_and_give_the_same_tokens()
    {
        const int Vocabulary = 20_000;
        using var decoder = new FakeDecoder(8, 64, 8, Vocabulary);
        using var engine = new Engine(decoder, new LetterCodec(), 100, new EngineOptions(), new ManualClock(),
            starts: false);
        var requests = Enumerable.Range(0, 8).Select(i => new EngineRequest
        {
            Prompt = [i, 2, 3],
            MaxTokens = 12,
            Logprobs = i % 3 == 0 ? 2 : null,
            Sampling = i % 4 == 0 ? SamplingOptions.Greedy
                : new SamplingOptions { TopP = 0.9, MinP = 0.01, PresencePenalty = 1 },
        }).ToArray();
        var calls = requests.Select(engine.Submit).ToArray();
        while (engine.Statistics is not { Running: 0, Waiting: 0 }) engine.Loop.Step();
        for (var i = 0; i < 8; i++)
            Assert.Equal(Expected.Events(requests[i], 0, 100, Vocabulary, calls[i].Seed).Select(e => e.Id),
                TestEngine.Read(calls[i]).Select(e => e.Id));
    }

    [Fact]
    public async Task Draining_cancels_at_the_limit_what_has_not_ended()
    {
        using var decoder = new FakeDecoder(2, 400, TestEngine.PageTokens, TestEngine.Vocabulary);
        using var opened = new ManualResetEventSlim();
        decoder.Before = _ => opened.Wait();
        using var engine = new Engine(decoder, new LetterCodec(), 1000, new EngineOptions());
        var calls = new[] { engine.Submit(Request(1, 900)), engine.Submit(Request(2, 900)) };
        var drained = engine.DrainAsync(TimeSpan.Zero); // at the limit before the first step has ended
        opened.Set();
        await drained;
        foreach (var call in calls)
        {
            var events = await Read(call);
            Assert.Equal(StopReason.Cancelled, events[^1].Stop);
            Assert.InRange(events.Count, 1, 3);
        }
    }

    [Fact]
    public async Task An_engine_that_is_disposed_ends_its_calls_and_takes_no_more()
    {
        using var decoder = new FakeDecoder(2, 400, TestEngine.PageTokens, TestEngine.Vocabulary);
        var engine = new Engine(decoder, new LetterCodec(), 1000, new EngineOptions());
        var calls = Enumerable.Range(0, 5).Select(i => engine.Submit(Request(i, 900))).ToArray();
        engine.Dispose();
        engine.Dispose();
        foreach (var call in calls) Assert.NotNull((await Read(call))[^1].Stop);
        Assert.Throws<EngineOverloadedException>(() => engine.Submit(Request(1)));
        calls[0].Cancel();
        engine.ClearPrefixes();
    }

    [Fact]
    public async Task Answers_of_a_real_model_are_those_of_each_prompt_alone()
    {
        using var model = TinyModels.Create("mea c<g", context: 300);
        using var generator = new Generator(model, new LetterCodec { Size = 37 });
        using var decoder = generator.CreatePagedDecoder(4, 300, pages: 12);
        using var engine = new Engine(decoder, new LetterCodec { Size = 37 }, 300, new EngineOptions());
        var prompts = Enumerable.Range(0, 8).Select(i => (int[])[.. TinyModels.Ids(70, 1), .. TinyModels.Ids(i, i)]);
        var requests = prompts.Select((prompt, i) => new EngineRequest
        {
            Prompt = prompt,
            MaxTokens = 90,
            Sampling = i % 2 == 0 ? SamplingOptions.Greedy with { Seed = 1 } : new SamplingOptions { Seed = i },
        }).ToArray();
        var calls = requests.Select(engine.Submit).ToArray();
        for (var i = 0; i < calls.Length; i++)
        {
            var events = await Read(calls[i]);
            var alone = generator.Generate([requests[i].Prompt],
                new GenerationOptions { MaxTokens = 90, Sampling = requests[i].Sampling },
                TestContext.Current.CancellationToken)[0];
            Assert.Equal(alone.Ids, events.Select(e => e.Id));
            Assert.Equal(alone.Text, string.Concat(events.Select(e => e.Text)));
        }
        Assert.True(engine.Statistics.PrefixHits >= 64, "no prompt was found computed");
    }

    [Fact]
    public void Ten_thousand_requests_leave_nothing_behind()
    {
        using var engine = new TestEngine(16, 64, new EngineOptions { MaxQueued = 1000, MaxStepTokens = 128 });
        var calls = Soak(engine);
        GC.Collect();
        Assert.InRange(calls.Count(c => c.IsAlive), 0, 200); // those that lists of the last step still name
        Assert.Equal(64, engine.Engine.Statistics.FreePages + engine.Engine.Statistics.CachedPages);
        engine.Engine.ClearPrefixes();
        engine.Step();
        Assert.Equal(64, engine.Engine.Statistics.FreePages);
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static List<WeakReference> Soak(TestEngine engine)
    {
        var (random, calls) = (new Random(2), new List<WeakReference>());
        while (calls.Count < 10_000)
        {
            for (var n = random.Next(8); n > 0 && engine.Engine.Statistics.Waiting < 900; n--)
            {
                var choices = calls.Count % 50 == 0 ? 3 : 1;
                var call = engine.Submit(Request(random.Next(1000), 6) with { Choices = choices });
                if (calls.Count % 11 == 0) call.Cancel();
                calls.Add(new WeakReference(call));
            }
            engine.Engine.Loop.Step();
        }
        engine.Finish();
        return calls;
    }

    [Fact]
    public void A_drawn_token_allocates_little()
    {
        using var decoder = new FakeDecoder(4, 60, 64, TestEngine.Vocabulary, new ManualClock());
        using var engine = new Engine(decoder, new LetterCodec(), 1000, new EngineOptions(), new ManualClock(),
            starts: false);
        var calls = Enumerable.Range(1, 4).Select(i => engine.Submit(Request(i, 900))).ToArray();
        for (var i = 0; i < 100; i++) engine.Loop.Step();
        var bytes = Allocations.Of(() =>
        {
            for (var i = 0; i < 64; i++)
            {
                engine.Loop.Step();
                foreach (var call in calls)
                    while (call.Events.TryRead(out _)) { }
            }
        });
        Assert.InRange(bytes / (64 * 4), 1, 256);
    }
}
