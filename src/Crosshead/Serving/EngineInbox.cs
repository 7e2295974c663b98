namespace Crosshead.Serving;

/// <summary>What other threads want of an engine's thread, and how much of it there is.</summary>
/// <param name="options">The engine's limits.</param>
/// <param name="slots">Most choices side by side.</param>
/// <param name="meter">How fast prompts are computed.</param>
internal sealed class EngineInbox(EngineOptions options, int slots, StepMeter meter)
{
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(60);
    private readonly Lock _gate = new();
    private readonly object _bell = new();
    private readonly Queue<ServedCall> _calls = [], _cancelled = [];
    private readonly TaskCompletionSource _emptied = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? _closed;
    private int _choices;
    private long _tokens;
    private bool _clears, _cancelsAll, _rung;

    /// <summary>Choices that wait or run.</summary>
    public int Choices => Volatile.Read(ref _choices);

    /// <summary>Prompt tokens that are not computed.</summary>
    public long Tokens => Volatile.Read(ref _tokens);

    /// <summary>Ends when nothing is left after <see cref="Close"/>.</summary>
    public Task Emptied => _emptied.Task;

    /// <summary>Checks that there is room for a request.</summary>
    /// <exception cref="EngineOverloadedException">There is none, or the engine takes no more.</exception>
    public void RequireRoom(EngineRequest request)
    {
        lock (_gate)
        {
            if (_closed is not null) throw new EngineOverloadedException(_closed, s_longest);
            if (_choices + request.Choices > slots + options.MaxQueued)
                throw Overloaded($"{Math.Max(0, _choices - slots)} choices wait, and {request.Choices} more exceed the "
                    + $"limit of {options.MaxQueued}");
            if (Tokens > 0 && Tokens + request.Prompt.Count > options.MaxQueuedTokens)
                throw Overloaded($"{Tokens} prompt tokens wait, and {request.Prompt.Count} more exceed the limit of "
                    + $"{options.MaxQueuedTokens}");
        }
    }

    /// <summary>Puts a call in the queue.</summary>
    /// <exception cref="EngineOverloadedException">There is no room, or the engine takes no more.</exception>
    public void Add(ServedCall call)
    {
        lock (_gate)
        {
            RequireRoom(call.Request);
            _choices += call.Open.Count;
            Interlocked.Add(ref _tokens, call.UncomputedTokens);
            _calls.Enqueue(call);
        }
        Wake();
    }

    /// <summary>Asks for the end of a call.</summary>
    public void Cancel(ServedCall call)
    {
        lock (_gate) _cancelled.Enqueue(call);
        Wake();
    }

    /// <summary>Asks for the end of all calls.</summary>
    public void CancelAll()
    {
        Volatile.Write(ref _cancelsAll, true);
        Wake();
    }

    /// <summary>Asks the engine to forget the prefixes that nobody uses.</summary>
    public void Clear()
    {
        Volatile.Write(ref _clears, true);
        Wake();
    }

    /// <summary>Takes no more calls.</summary>
    /// <param name="reason">What others are told.</param>
    public void Close(string reason)
    {
        lock (_gate)
        {
            _closed = reason;
            if (_choices == 0) _emptied.TrySetResult();
        }
        Wake();
    }

    /// <summary>Takes the next calls from the queue.</summary>
    public void TakeCalls(List<ServedCall> calls, int most)
    {
        calls.Clear();
        lock (_gate)
            while (calls.Count < most && _calls.TryDequeue(out var call)) calls.Add(call);
    }

    /// <summary>Takes the calls that somebody has cancelled.</summary>
    public void TakeCancelled(List<ServedCall> calls)
    {
        calls.Clear();
        lock (_gate)
            while (_cancelled.TryDequeue(out var call)) calls.Add(call);
    }

    /// <summary>Whether all calls shall end; asked once.</summary>
    public bool TakeCancelsAll() => Interlocked.Exchange(ref _cancelsAll, false);

    /// <summary>Whether prefixes shall be forgotten; asked once.</summary>
    public bool TakeClears() => Interlocked.Exchange(ref _clears, false);

    /// <summary>Choices have ended.</summary>
    public void EndChoices(int count)
    {
        lock (_gate)
        {
            _choices -= count;
            if (_closed is not null && _choices == 0) _emptied.TrySetResult();
        }
    }

    /// <summary>Prompt tokens are computed, or not needed any more.</summary>
    public void EndTokens(int count) => Interlocked.Add(ref _tokens, -count);

    /// <summary>Waits until somebody wants something, or for some time.</summary>
    public void Wait(TimeSpan most)
    {
        lock (_bell)
        {
            if (!_rung) Monitor.Wait(_bell, most);
            _rung = false;
        }
    }

    /// <summary>Ends the wait.</summary>
    public void Wake()
    {
        lock (_bell)
        {
            _rung = true;
            Monitor.Pulse(_bell);
        }
    }

    private EngineOverloadedException Overloaded(string what)
    {
        var seconds = meter.Rate > 0 ? Math.Clamp(Math.Ceiling(Tokens / meter.Rate), 1, 60) : 1;
        return new EngineOverloadedException($"the queue is full: {what}; try again in {seconds} s.",
            TimeSpan.FromSeconds(seconds));
    }
}
