using System.Diagnostics;
using Crosshead.Generation;
using Crosshead.Server.Http;
using Crosshead.Server.Metrics;
using Crosshead.Serving;

namespace Crosshead.Server.Answers;

/// <summary>
/// The calls of one request, one for each prompt. All calls end when the request ends, however it ends.
/// </summary>
internal sealed class CallGroup : IDisposable
{
    private readonly IReadOnlyList<EngineCall> _calls;
    private readonly ServerMetrics _metrics;
    private readonly long _arrived;
    private readonly int _choices; // of each call

    private CallGroup(IReadOnlyList<EngineCall> calls, int choices, ServerMetrics metrics, long arrived)
    {
        (_calls, _choices, _metrics, _arrived) = (calls, choices, metrics, arrived);
        Choices = [.. Enumerable.Range(0, calls.Count * choices).Select(i => new Choice(i))];
    }

    /// <summary>The seed of all calls.</summary>
    public long Seed => _calls[0].Seed;

    /// <summary>When the phases of the first call began.</summary>
    public CallTimes Times => _calls[0].Times;

    /// <summary>The choices of all calls.</summary>
    public IReadOnlyList<Choice> Choices { get; }

    /// <summary>The numbers of tokens so far.</summary>
    public Usage Usage => new(_calls.Sum(c => c.PromptTokens), Choices.Sum(c => c.Ids.Count),
        _calls.Sum(c => c.CachedTokens));

    /// <summary>Log-probabilities of a prompt's tokens from the second on; null if they were not asked for.</summary>
    /// <param name="call">The number of the prompt, of which an event is there.</param>
    public IReadOnlyList<TokenLogprob>? PromptLogprobs(int call) => _calls[call].PromptLogprobs;

    /// <summary>Hands requests to an engine, all or none.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="requests">The requests, all with the same number of choices and the same seed, if any.</param>
    /// <param name="metrics">Where what happens is counted.</param>
    /// <param name="arrived">When the request arrived, in ticks of <see cref="Stopwatch"/>.</param>
    /// <exception cref="ApiException">The engine does not take them.</exception>
    public static CallGroup Submit(IEngine engine, IReadOnlyList<EngineRequest> requests, ServerMetrics metrics,
        long arrived)
    {
        try
        {
            return new CallGroup(engine.Submit(requests), requests[0].Choices, metrics, arrived);
        }
        catch (CrossheadException e)
        {
            throw Failures.OfSubmission(e);
        }
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
            await Task.WhenAll(_calls.Select((call, i) => OneAsync(call, i, stream, take, stop)));
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
        foreach (var call in _calls) call.Cancel();
    }

    private async Task OneAsync(EngineCall call, int index, EventStream? stream, Action<Choice, EngineEvent>? take,
        CancellationTokenSource stop)
    {
        try
        {
            await EventsAsync(call, index, stream, take, stop.Token);
            _metrics.Ended(call, _arrived,
                Choices.Skip(index * _choices).Take(_choices).Select(c => (c.Ids.Count, c.FinishReason)));
        }
        catch (Exception e)
        {
            await stop.CancelAsync();
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
