using Crosshead.Serving;
using Crosshead.Tests.Generation;

namespace Crosshead.Tests.Serving;

/// <summary>
/// An engine that steps when it is told to, on a fake decoder and a clock of its own. Each step is checked.
/// </summary>
internal sealed class TestEngine : IDisposable
{
    public const int PageTokens = 4;
    public const int Vocabulary = 24;
    private int _stepTokens;

    public TestEngine(int slots, int pages, EngineOptions? options = null, int modelContext = 1 << 20)
    {
        Decoder = new FakeDecoder(slots, pages, PageTokens, Vocabulary, Clock);
        Engine = new Engine(Decoder, new LetterCodec { Size = Vocabulary }, modelContext, options ?? new(), Clock,
            starts: false);
        Engine.Stepped += (tokens, _) => _stepTokens = tokens;
    }

    public ManualClock Clock { get; } = new();

    public FakeDecoder Decoder { get; }

    public Engine Engine { get; }

    public Scheduler Scheduler => Engine.Loop.Scheduler;

    public EngineCall Submit(EngineRequest request) => Engine.Submit(request);

    /// <summary>One step, after which the books must balance.</summary>
    public bool Step()
    {
        _stepTokens = 0;
        var worked = Engine.Loop.Step();
        Check();
        return worked;
    }

    /// <summary>Steps until nothing is left; says how many.</summary>
    public int Finish(int most = 2000)
    {
        for (var steps = 0; ; steps++)
        {
            if (Engine.Statistics is { Running: 0, Waiting: 0 }) return steps;
            Assert.True(steps < most, $"not done after {most} steps");
            Step();
        }
    }

    public static List<EngineEvent> Read(EngineCall call)
    {
        List<EngineEvent> events = [];
        while (call.Events.TryRead(out var step)) events.Add(step);
        return events;
    }

    /// <summary>Checks that the events of a call are those that it would have alone.</summary>
    public void AssertAlone(EngineRequest request, EngineCall call, List<EngineEvent> events)
    {
        for (var choice = 0; choice < request.Choices; choice++)
        {
            var expected = Expected.Events(request, choice, Engine.Context, Vocabulary, call.Seed);
            var own = events.Where(e => e.Choice == choice).ToList();
            Assert.Equal(expected.Select(Shown), own.Select(Shown));
            for (var i = 0; i < own.Count; i++) Expected.AssertEqual(expected[i].Logprob, own[i].Logprob);
        }
        Assert.Equal(request.PromptLogprobs is null ? null : request.Prompt.Count - 1, call.PromptLogprobs?.Count);
        for (var i = 0; i < call.PromptLogprobs?.Count; i++)
            Expected.AssertEqual(Expected.Logprob(FakeDecoder.LogitsAfter(request.Prompt.Take(i + 1), Vocabulary),
                request.Prompt[i + 1], request.PromptLogprobs!.Value), call.PromptLogprobs[i]);
    }

    /// <summary>Checks that the events of a cancelled call begin as if it had been alone.</summary>
    public void AssertBegins(EngineRequest request, EngineCall call, List<EngineEvent> events)
    {
        for (var choice = 0; choice < request.Choices; choice++)
        {
            var expected = Expected.Events(request, choice, Engine.Context, Vocabulary, call.Seed).Select(Shown);
            var own = events.Where(e => e.Choice == choice).ToList();
            Assert.NotNull(own[^1].Stop);
            if (own[^1].Stop == Crosshead.Generation.StopReason.Cancelled) own.RemoveAt(own.Count - 1);
            Assert.Equal(expected.Take(own.Count), own.Select(Shown));
        }
    }

    public void Dispose() => Engine.Dispose();

    private static string Shown(EngineEvent e) => $"{e.Choice} {e.Id} '{e.Text}' {e.Stop} {e.StopString}";

    private void Check()
    {
        var pool = Scheduler.Pool;
        var users = new int[pool.Pages];
        foreach (var sequence in Scheduler.Running)
        {
            foreach (var page in sequence.Pages) users[page]++;
            Assert.True(sequence.Computed <= sequence.Pages.Count * PageTokens);
            Assert.True(sequence.Left >= 1);
        }
        var owned = 0;
        for (var page = 0; page < pool.Pages; page++)
        {
            Assert.Equal(users[page], pool.UsersOf(page));
            if (users[page] > 0) owned++;
        }
        Assert.Equal(pool.Pages, pool.Free + pool.Cached + owned);
        Assert.True(Scheduler.Running.Count <= Engine.Slots);
        Assert.Equal(Scheduler.Running.Count, Scheduler.Running.Select(s => s.Slot).Distinct().Count());
        Assert.True(_stepTokens <= Engine.Options.MaxStepTokens);
        Assert.Equal(Scheduler.Running, Scheduler.Running.Order());
    }
}
