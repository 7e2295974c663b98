using Crosshead.Serving;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Tests.Server;

/// <summary>
/// An engine that writes what a test tells it to: the same contract as the real one, without a model. Each token's
/// log-probability is made from its id.
/// </summary>
internal sealed class FakeEngine(Tokenizer tokenizer) : IEngine
{
    private readonly List<FakeCall> _calls = [];

    /// <summary>What each choice of a request writes; by default a short sentence.</summary>
    public Func<EngineRequest, int, string> Answer { get; set; } = (_, choice) => choice == 0 ? " one well" : " two";

    /// <summary>Events wait until this ends.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    /// <summary>Waits before each event after the first.</summary>
    public Func<Task>? Pause { get; set; }

    /// <summary>Number of events after which the engine fails; null for never.</summary>
    public int? FailsAfter { get; set; }

    /// <summary>What it fails with.</summary>
    public CrossheadException Fault { get; init; } = new("the device is gone; start again.");

    /// <summary>What Submit throws; null for nothing.</summary>
    public CrossheadException? Refusal { get; set; }

    public bool Cleared { get; private set; }

    /// <summary>All calls so far.</summary>
    public IReadOnlyList<FakeCall> Calls
    {
        get
        {
            lock (_calls) return [.. _calls];
        }
    }

    public EngineOptions Options { get; init; } = new() { Priorities = false };

    public int Context { get; init; } = 1024;

    public int Slots => 4;

    public EngineState State { get; set; } = EngineState.Ready;

    public string? Failure { get; set; }

    public EngineStatistics Statistics { get; set; } = new()
    {
        Running = 1,
        Waiting = 2,
        WaitingTokens = 30,
        Pages = 10,
        FreePages = 4,
        CachedPages = 3,
        PromptTokens = 500,
        GeneratedTokens = 60,
        PrefixQueries = 70,
        PrefixHits = 8,
        Preemptions = 9,
        Steps = 10,
        StepTokens = 560,
        StepSeconds = 1.5,
        ComputeSeconds = 1.25,
    };

    public event Action<int, double>? Stepped;

    public IReadOnlyList<EngineCall> Submit(IReadOnlyList<EngineRequest> requests)
    {
        if (Refusal is { } refusal) throw refusal;
        FakeCall[] calls = [.. requests.Select(request => new FakeCall(this, request, tokenizer))];
        lock (_calls) _calls.AddRange(calls);
        Stepped?.Invoke(requests.Sum(r => r.Prompt.Count), 0.001);
        return calls;
    }

    public void ClearPrefixes() => Cleared = true;

    public async Task DrainAsync(TimeSpan limit)
    {
        State = EngineState.Draining;
        var all = Task.WhenAll(Calls.Select(c => c.Done));
        if (await Task.WhenAny(all, Task.Delay(limit)) == all) return;
        foreach (var call in Calls) call.Cancel();
        await all;
    }

    public void Dispose() { }
}
