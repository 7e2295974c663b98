namespace Crosshead.Serving;

/// <summary>
/// What an engine tells its callers. The events of a step are handed to the thread pool in one piece, which writes them
/// and wakes their readers while the engine computes the next step. The events of a call stay in order, and its end
/// comes last. How much waits here is limited: the choices of a call pause when too much of it is not read.
/// </summary>
/// <param name="inbox">Learns which calls have been told everything.</param>
/// <param name="direct">Whether nothing is handed over, and <see cref="Send"/> writes.</param>
internal sealed class EngineOutbox(EngineInbox inbox, bool direct) : IThreadPoolWorkItem
{
    private readonly Lock _gate = new(), _delivering = new();
    private List<Notice> _step = [], _sent = [], _taken = [];
    private bool _isQueued; // whether the thread pool will take what was sent

    /// <summary>Adds an event of a call.</summary>
    public void Add(ServedCall call, in EngineEvent step) => _step.Add(new Notice(call, step, null));

    /// <summary>Adds the end of a call.</summary>
    /// <param name="call">The call.</param>
    /// <param name="failure">Why, if not because all choices have ended.</param>
    public void End(ServedCall call, Exception? failure) => _step.Add(new Notice(call, null, failure));

    /// <summary>Lets what was added be delivered.</summary>
    public void Send()
    {
        if (_step.Count == 0) return;
        lock (_gate)
        {
            if (_sent.Count == 0) (_step, _sent) = (_sent, _step);
            else _sent.AddRange(_step);
            _step.Clear();
            if (!direct && _isQueued) return;
            _isQueued = !direct;
        }
        if (direct) Flush();
        else ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <summary>Delivers what was sent; all of it has been delivered when this returns.</summary>
    public void Flush()
    {
        lock (_delivering)
            while (TryTake()) Deliver();
    }

    /// <inheritdoc/>
    void IThreadPoolWorkItem.Execute() => Flush();

    private bool TryTake()
    {
        lock (_gate)
        {
            (_taken, _sent) = (_sent, _taken);
            _isQueued &= _taken.Count > 0;
            return _taken.Count > 0;
        }
    }

    private void Deliver()
    {
        foreach (var (call, step, failure) in _taken)
        {
            if (step is { } told)
            {
                call.Deliver(told);
                continue;
            }
            call.Complete(failure);
            inbox.EndCall();
        }
        _taken.Clear();
    }

    /// <summary>An event of a call, or its end if there is none.</summary>
    private readonly record struct Notice(ServedCall Call, EngineEvent? Event, Exception? Failure);
}
