using System.Diagnostics;
using Crosshead.Generation;
using Crosshead.Server.Http;
using Crosshead.Server.Metrics;
using Crosshead.Serving;

namespace Crosshead.Server.Answers;

/// <summary>
/// The calls of one request, one for each prompt. Those for which the engine has no room yet are handed over as others
/// end. All calls end when the request ends, however it ends.
/// </summary>
internal sealed class CallGroup : IDisposable
{
    private static readonly TimeSpan s_again = TimeSpan.FromMilliseconds(20);

    private readonly IEngine _engine;
    private readonly IReadOnlyList<EngineRequest> _requests;
    private readonly ServerMetrics _metrics;
    private readonly long _arrived;
    private readonly int _choices;
    private readonly EngineCall?[] _calls;
    private readonly SemaphoreSlim _turn = new(1, 1); // of the prompts that wait for room

    private CallGroup(IEngine engine, IReadOnlyList<EngineRequest> requests, ServerMetrics metrics, long arrived)
    {
        (_engine, _requests, _metrics, _arrived, _choices) = (engine, requests, metrics, arrived, requests[0].Choices);
        _calls = new EngineCall?[requests.Count];
        Choices = [.. Enumerable.Range(0, requests.Count * _choices).Select(i => new Choice(i))];
    }

    /// <summary>The seed of all calls.</summary>
    public long Seed => _calls[0]!.Seed;

    /// <summary>When the phases of the first call began.</summary>
    public CallTimes Times => _calls[0]!.Times;

    /// <summary>The choices of all calls.</summary>
    public IReadOnlyList<Choice> Choices { get; }

    /// <summary>The numbers of tokens so far.</summary>
    public Usage Usage => new(_requests.Sum(r => r.Prompt.Count), Choices.Sum(c => c.Ids.Count),
        _calls.Sum(c => c?.CachedTokens ?? 0));

    /// <summary>Log-probabilities of a prompt's tokens from the second on; null if they were not asked for.</summary>
    /// <param name="call">The number of the prompt, of which an event is there.</param>
    public IReadOnlyList<TokenLogprob>? PromptLogprobs(int call) => _calls[call]!.PromptLogprobs;

    /// <summary>Hands requests to an engine: the first, and as many as it has room for.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="requests">The requests, all with the same number of choices.</param>
    /// <param name="metrics">Where what happens is counted.</param>
    /// <param name="arrived">When the request arrived, in ticks of <see cref="Stopwatch"/>.</param>
    /// <exception cref="ApiException">The engine does not take the first, or can never take another.</exception>
    public static CallGroup Submit(IEngine engine, IReadOnlyList<EngineRequest> requests, ServerMetrics metrics,
        long arrived)
    {
        var group = new CallGroup(engine, requests, metrics, arrived);
        try
        {
            group.Submit(0);
            for (var i = 1; i < requests.Count; i++) group.Submit(i);
        }
        catch (EngineOverloadedException) when (group._calls[0] is not null)
        {
            // the rest follows as there is room
        }
        catch (CrossheadException e)
        {
            group.Dispose();
            throw Failures.OfSubmission(e);
        }
        return group;
    }

    /// <summary>Reads all events of all calls.</summary>
    /// <param name="stream">A stream in whose turn events are taken, and which is sent after each; null for
    /// none.</param>
    /// <param name="take">Takes an event; the choice has taken it already. Two calls may come at once if there is no
    /// stream.</param>
    /// <param name="gone">Set when nobody waits for the answer any more.</param>
    /// <exception cref="ApiException">The engine failed, or ended a call.</exception>
    /// <exception cref="OperationCanceledException">Nobody waits any more.</exception>
    public async Task ReadAsync(EventStream? stream, Action<Choice, EngineEvent>? take, CancellationToken gone)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(gone);
        try
        {
            await Task.WhenAll(_requests.Select((_, i) => OneAsync(i, stream, take, stop)));
        }
        catch (OperationCanceledException) when (gone.IsCancellationRequested)
        {
            _metrics.Aborted(Choices.Count(c => c.Stop is null));
            throw;
        }
        catch (OperationCanceledException)
        {
            throw Failures.Cancelled(); // what stopped the others is thrown instead, if it came first
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var call in _calls) call?.Cancel();
        _turn.Dispose();
    }

    private EngineCall Submit(int index)
    {
        var request = _requests[index];
        // A drawn seed is that of all prompts.
        var seed = _calls[0]?.Seed ?? request.Sampling.Seed;
        return _calls[index] = _engine.Submit(request with { Sampling = request.Sampling with { Seed = seed } });
    }

    private async Task<EngineCall> WithRoomAsync(int index, CancellationToken stop)
    {
        await _turn.WaitAsync(stop);
        try
        {
            for (; ; )
                try
                {
                    return Submit(index);
                }
                catch (EngineOverloadedException) when (_engine.State == EngineState.Ready)
                {
                    await Task.Delay(s_again, stop);
                }
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task OneAsync(int index, EventStream? stream, Action<Choice, EngineEvent>? take,
        CancellationTokenSource stop)
    {
        try
        {
            var call = _calls[index] ?? await WithRoomAsync(index, stop.Token);
            await EventsAsync(call, index, stream, take, stop.Token);
            _metrics.Ended(call, _arrived,
                Choices.Skip(index * _choices).Take(_choices).Select(c => (c.Ids.Count, c.FinishReason)));
        }
        catch (Exception e)
        {
            await stop.CancelAsync();
            if (e is EngineOverloadedException full) throw Failures.OfSubmission(full);
            if (e is CrossheadException and not ApiException) throw Failures.OfEngine(e);
            throw;
        }
    }

    private async Task EventsAsync(EngineCall call, int index, EventStream? stream,
        Action<Choice, EngineEvent>? take, CancellationToken stop)
    {
        var last = new long[_choices];
        while (await call.Events.WaitToReadAsync(stop))
        {
            if (stream is not null) await stream.EnterAsync();
            try
            {
                while (call.Events.TryRead(out var step))
                {
                    if (step.Stop == StopReason.Cancelled) throw Failures.Cancelled();
                    if (step.Id >= 0) Clock(ref last[step.Choice]);
                    var choice = Choices[index * _choices + step.Choice];
                    choice.Take(step);
                    take?.Invoke(choice, step);
                }
                if (stream is not null) await stream.FlushAsync();
            }
            finally
            {
                stream?.Leave();
            }
        }
    }

    private void Clock(ref long last)
    {
        var now = Stopwatch.GetTimestamp();
        if (last != 0) _metrics.TokenGap(Stopwatch.GetElapsedTime(last, now).TotalSeconds);
        last = now;
    }
}
