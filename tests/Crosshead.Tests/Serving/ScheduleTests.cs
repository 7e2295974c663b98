using Crosshead.Serving;
using CsCheck;

namespace Crosshead.Tests.Serving;

/// <summary>Random requests at random times on engines of random size.</summary>
public sealed class ScheduleTests
{
    private static readonly Gen<(int Slots, int Pages, EngineOptions Options)> Sizes = Gen.Select(
        Gen.Int[1, 6], Gen.Int[6, 30], Gen.Int[1, 40], Gen.Int[1, 8], Gen.Bool, Gen.Bool,
        (slots, pages, tokens, grain, prefixes, priorities) => (slots, pages, new EngineOptions
        {
            MaxStepTokens = tokens,
            PrefillGrain = grain,
            PrefixCache = prefixes,
            Priorities = priorities,
            MaxQueued = 1000,
            MaxEvents = 3,
        }));

    private sealed record Arrival(EngineRequest Request, int Step, int CancelAfter, bool Slow);

    [Fact]
    public void Every_answer_is_the_one_it_would_be_alone_whatever_happens_around_it()
    {
        var gen = Sizes.SelectMany(size => Gen.Select(
            Requests.Any(Math.Min(60, size.Pages * TestEngine.PageTokens)), Gen.Int[0, 30],
            Gen.Frequency((4, Gen.Const(-1)), (1, Gen.Int[0, 25])), Gen.Int[0, 5],
            (request, step, cancel, slow) => new Arrival(request, step, cancel, slow == 0))
            .Array[1, 14], (size, arrivals) => (size, arrivals));
        var (preemptions, hits, drawn) = (0L, 0L, 0L);
        gen.Sample((size, arrivals) =>
        {
            var statistics = Run(size.Slots, size.Pages, size.Options, arrivals);
            Interlocked.Add(ref preemptions, statistics.Preemptions);
            Interlocked.Add(ref hits, statistics.PrefixHits);
            Interlocked.Add(ref drawn, statistics.GeneratedTokens);
        }, iter: 1000);
        Assert.True(preemptions > 300 && hits > 3000 && drawn > 12_000, $"{preemptions}, {hits}, {drawn}");
    }

    private static EngineStatistics Run(int slots, int pages, EngineOptions options, Arrival[] arrivals)
    {
        using var engine = new TestEngine(slots, pages, options);
        var calls = new EngineCall?[arrivals.Length];
        var events = arrivals.Select(_ => new List<EngineEvent>()).ToArray();
        for (var step = 0; ; step++)
        {
            for (var i = 0; i < arrivals.Length; i++)
            {
                if (arrivals[i].Step == step) calls[i] = engine.Submit(arrivals[i].Request);
                if (arrivals[i].CancelAfter >= 0 && arrivals[i].Step + arrivals[i].CancelAfter == step)
                    calls[i]!.Cancel();
                if (calls[i] is { } call && (!arrivals[i].Slow || step % 9 == 0))
                    events[i].AddRange(TestEngine.Read(call));
            }
            if (step > 60 && engine.Engine.Statistics is { Running: 0, Waiting: 0 }) break;
            Assert.True(step < 3000, "somebody starves");
            engine.Step();
        }
        for (var i = 0; i < arrivals.Length; i++)
        {
            var (request, call) = (arrivals[i].Request, calls[i]!);
            events[i].AddRange(TestEngine.Read(call));
            Assert.True(call.Events.Completion.IsCompletedSuccessfully);
            if (events[i].Any(e => e.Stop == Crosshead.Generation.StopReason.Cancelled))
            {
                Assert.True(arrivals[i].CancelAfter >= 0);
                engine.AssertBegins(request, call, events[i]);
            }
            else
            {
                engine.AssertAlone(request, call, events[i]);
            }
        }
        var statistics = engine.Engine.Statistics;
        Assert.Equal(pages, statistics.FreePages + statistics.CachedPages);
        Assert.Equal(0, statistics.WaitingTokens);
        engine.Engine.ClearPrefixes();
        engine.Step();
        Assert.Equal(pages, engine.Engine.Statistics.FreePages);
        return statistics;
    }
}
