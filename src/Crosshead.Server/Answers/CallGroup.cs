using System.Diagnostics;
using Crosshead.Generation;
using Crosshead.Server.Http;
using Crosshead.Server.Metrics;
using Crosshead.Serving;

namespace Crosshead.Server.Answers;

/// <summary>
/// The calls of one request, one for each prompt. They are accepted together or not at all, and all end when the
/// request ends, however it ends.
/// </summary>
internal sealed class CallGroup : IDisposable
{
    private readonly ServerMetrics _metrics;
    private readonly long _arrived;
    private readonly int _choices;

    private CallGroup(EngineCall[] calls, int choices, ServerMetrics metrics, long arrived)
    {
        (Calls, _choices, _metrics, _arrived) = (calls, choices, metrics, arrived);
        Choices = [.. Enumerable.Range(0, calls.Length * choices).Select(i => new Choice(i))];
    }

    /// <summary>The calls.</summary>
    public EngineCall[] Calls { get; }

    /// <summary>The choices of all calls.</summary>
    public IReadOnlyList<Choice> Choices { get; }

    /// <summary>The numbers of tokens so far.</summary>
    public Usage Usage => new(Calls.Sum(c => c.PromptTokens), Choices.Sum(c => c.Ids.Count),
        Calls.Sum(c => c.CachedTokens));

    /// <summary>Hands requests to an engine.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="requests">The requests, all with the same number of choices.</param>
    /// <param name="metrics">Where what happens is counted.</param>
    /// <param name="arrived">When the request arrived, in ticks of <see cref="Stopwatch"/>.</param>
    /// <exception cref="ApiException">The engine does not take one of them.</exception>
    public static CallGroup Submit(IEngine engine, IReadOnlyList<EngineRequest> requests, ServerMetrics metrics,
        long arrived)
    {
        var calls = new List<EngineCall>();
        try
        {
            foreach (var request in requests)
            {
                // A drawn seed is that of all prompts.
                var seed = calls.Count > 0 ? calls[0].Seed : request.Sampling.Seed;
                calls.Add(engine.Submit(request with { Sampling = request.Sampling with { Seed = seed } }));
            }
        }
        catch (CrossheadException e)
        {
            foreach (var call in calls) call.Cancel();
            throw Failures.OfSubmission(e);
        }
        return new CallGroup([.. calls], requests[0].Choices, metrics, arrived);
    }

    /// <summary>Reads all events of all calls.</summary>
    /// <param name="stream">A stream in whose turn events are taken, and which is sent after each; null for
    /// none.</param>
    /// <param name="take">Takes an event; the choice has taken it already. Two calls may come at once if there is no
    /// stream.</param>
    /// <param name="gone">Set when nobody waits for the answer any more.</param>
    /// <exception cref="ApiException">The engine failed, or ended a call.</exception>
    public async Task ReadAsync(EventStream? stream, Action<Choice, EngineEvent>? take, CancellationToken gone)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(gone);
        try
        {
            await Task.WhenAll(Calls.Select((call, i) => OneAsync(call, i, stream, take, stop)));
        }
        catch (OperationCanceledException) when (!gone.IsCancellationRequested)
        {
            // The failure that stopped the others is what counts; it is thrown by WhenAll unless it came later.
            throw ApiException.Unavailable("cancelled", "the answer was cancelled; ask again.", 1);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var call in Calls) call.Cancel();
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
