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
    private readonly Queue<ServedCall> _queue = [], _cancelled = [];
    private readonly TaskCompletionSource _emptied = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? _closed;
    private int _submissions, _choices;
    private int _calls; // those whose readers have not been told their end
    private long _tokens;
    private bool _clears, _cancelsAll, _rung;

    /// <summary>Choices that wait or run.</summary>
    public int Choices => Volatile.Read(ref _choices);

    /// <summary>Prompt tokens that are not computed.</summary>
    public long Tokens => Volatile.Read(ref _tokens);

    /// <summary>Ends when all calls have been told their ends after <see cref="Close"/>.</summary>
    public Task Emptied => _emptied.Task;

    /// <summary>
    /// Why nothing more is taken: the queue is full, or closed; null if there is room. What is submitted then is taken
    /// whole, however large it is: if it had to fit into what is left, large requests would be refused as long as there
    /// are small ones.
    /// </summary>
    public EngineOverloadedException? Full()
    {
        lock (_gate)
        {
            if (_closed is not null) return new EngineOverloadedException(_closed, s_longest);
            if (_submissions >= slots + options.MaxQueued)
                return Overloaded($"{_submissions} requests wait or run, and the limit is {slots} + "
                    + $"{options.MaxQueued}");
            return Tokens >= options.MaxQueuedTokens
                ? Overloaded($"{Tokens} prompt tokens wait, and the limit is {options.MaxQueuedTokens}") : null;
        }
    }

    /// <summary>Checks that there is room.</summary>
    /// <exception cref="EngineOverloadedException">It is full, or the engine takes no more.</exception>
    public void RequireRoom()
    {
        if (Full() is { } refusal) throw refusal;
    }

    /// <summary>Puts calls that were submitted together in the queue.</summary>
    /// <exception cref="EngineOverloadedException">It is full, or the engine takes no more.</exception>
    public void Add(IReadOnlyList<ServedCall> calls)
    {
        lock (_gate)
        {
            RequireRoom();
            if (calls.Count > 0) _submissions++;
            _calls += calls.Count;
            foreach (var call in calls)
            {
                _choices += call.Open.Count;
                Interlocked.Add(ref _tokens, call.UncomputedTokens);
                _queue.Enqueue(call);
            }
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
            if (_calls == 0) _emptied.TrySetResult();
        }
        Wake();
    }

    /// <summary>Takes the next calls from the queue.</summary>
    public void TakeCalls(List<ServedCall> calls, int most)
    {
        calls.Clear();
        lock (_gate)
            while (calls.Count < most && _queue.TryDequeue(out var call)) calls.Add(call);
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
        lock (_gate) _choices -= count;
    }

    /// <summary>All calls that were submitted together have ended.</summary>
    public void EndSubmission()
    {
        lock (_gate) _submissions--;
    }

    /// <summary>The reader of a call has been told its end.</summary>
    public void EndCall()
    {
        lock (_gate)
            if (--_calls == 0 && _closed is not null) _emptied.TrySetResult();
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
