namespace Crosshead.Serving;

/// <summary>
/// The calls that have not ended: what others want of them, what a step gives them, and what their readers are told.
/// The engine's thread alone uses this.
/// </summary>
internal sealed class OpenCalls
{
    private const int MostNewCalls = 64; // taken from the queue in one step
    private readonly EngineInbox _inbox;
    private readonly EngineOutbox _outbox;
    private readonly Scheduler _scheduler;
    private readonly EngineCounters _counters;
    private readonly TimeProvider _clock;
    private readonly TimeSpan? _timeout;
    private readonly ReaderWatch _watch;
    private readonly List<ServedCall> _calls = [], _taken = [];
    private long _arrivals;

    /// <summary>There is no call yet.</summary>
    /// <param name="options">The limits.</param>
    /// <param name="inbox">What others want.</param>
    /// <param name="outbox">What readers are told.</param>
    /// <param name="scheduler">Which sequences wait and run.</param>
    /// <param name="counters">What has been done.</param>
    /// <param name="clock">The time.</param>
    public OpenCalls(EngineOptions options, EngineInbox inbox, EngineOutbox outbox, Scheduler scheduler,
        EngineCounters counters, TimeProvider clock)
    {
        (_inbox, _outbox, _scheduler, _counters, _clock) = (inbox, outbox, scheduler, counters, clock);
        (_timeout, _watch) = (options.RequestTimeout, new ReaderWatch(options, clock));
    }

    /// <summary>Whether there are any.</summary>
    public bool Any => _calls.Count > 0;

    /// <summary>Takes new calls, and ends those that are cancelled, take too long, or are not read.</summary>
    public void Listen(long now)
    {
        Take(MostNewCalls);
        _inbox.TakeCancelled(_taken);
        foreach (var call in _taken)
            if (call.IsTaken && !call.HasEnded) Cancel(call);
        if (_inbox.TakeCancelsAll()) CancelAll();
        for (var i = _calls.Count - 1; i >= 0; i--)
        {
            var call = _calls[i];
            if (_timeout is { } limit && _clock.GetElapsedTime(call.Arrived, now) >= limit)
                Fail(call, new EngineTimeoutException(limit));
            else if (_watch.HasStalled(call, now)) Cancel(call);
            else if (_watch.ShallGiveBack(call, now, _scheduler.LacksRoom)) Park(call);
        }
    }

    /// <summary>Sequences begin to compute.</summary>
    public void Start(List<Sequence> started)
    {
        if (started.Count == 0) return;
        var now = _clock.GetTimestamp();
        foreach (var sequence in started)
        {
            var choice = (Choice)sequence;
            var call = choice.Call;
            if (choice.Index > 0 || call.HasStarted) continue;
            call.Start(now);
            call.Cached = choice.Computed;
            if (choice.ReadsPrefixes) _counters.AddPrefix(call.PromptTokens, call.Cached);
        }
    }

    /// <summary>Takes what a step has drawn.</summary>
    public void Take(ReadOnlySpan<StepDraw> draws)
    {
        var now = _clock.GetTimestamp();
        foreach (ref readonly var draw in draws) Take(draw, now);
    }

    /// <summary>Ends a call with a failure.</summary>
    /// <param name="call">The call.</param>
    /// <param name="failure">Why.</param>
    /// <param name="discards">Whether what it has computed is of no use to others.</param>
    public void Fail(ServedCall call, Exception failure, bool discards = false)
    {
        foreach (var choice in call.Open) _scheduler.Remove(choice, discards);
        _inbox.EndChoices(call.Open.Count);
        call.Open.Clear();
        End(call, _clock.GetTimestamp(), failure);
    }

    /// <summary>Ends all calls with a failure.</summary>
    public void FailAll(Exception failure)
    {
        Take(int.MaxValue);
        while (_calls.Count > 0) Fail(_calls[^1], failure);
    }

    /// <summary>Ends all calls as cancelled.</summary>
    public void CancelAll()
    {
        Take(int.MaxValue);
        while (_calls.Count > 0) Cancel(_calls[^1]);
    }

    private void Take(int most)
    {
        _inbox.TakeCalls(_taken, most);
        foreach (var call in _taken)
        {
            foreach (var choice in call.Open) choice.Arrival = _arrivals++;
            call.IsTaken = true;
            _calls.Add(call);
            _scheduler.Add(call.Open[0]);
            if (call.IsCancelled) Cancel(call);
        }
    }

    private void Take(in StepDraw draw, long now)
    {
        var (choice, _, count) = draw;
        var call = choice.Call;
        if (call.HasEnded) return; // another choice of it has failed in this step
        if (draw.Failure is { } failure)
        {
            Fail(call, failure, discards: true);
            return;
        }
        Scheduler.Commit(choice, count);
        _scheduler.Publish(choice);
        if (choice.Index == 0) CountPrompt(call, Math.Max(0, call.PromptTokens - choice.Computed));
        if (call.UncomputedTokens == 0) Fork(call);
        if (draw.Event is not { } step) return;
        Tell(choice, step, now);
        while (!choice.Draws && call.Open.Count > 0) Tell(call.Open[0], call.Open[0].EndEmpty(), now);
    }

    // The choices of a call start when the first one has computed their prompt.
    private void Fork(ServedCall call)
    {
        foreach (var choice in call.Forks) _scheduler.Add(choice);
        call.Forks.Clear();
    }

    private void CountPrompt(ServedCall call, int uncomputed)
    {
        var count = call.UncomputedTokens - uncomputed;
        if (count <= 0) return; // computed once more
        call.UncomputedTokens = uncomputed;
        _inbox.EndTokens(count);
        _counters.AddPrompt(count);
    }

    private void Tell(Choice choice, in EngineEvent step, long now)
    {
        var call = choice.Call;
        if (step.Id >= 0) _counters.AddDrawn();
        call.Count(step, now);
        _outbox.Add(call, step);
        if (step.Stop is null) return;
        _scheduler.Remove(choice);
        call.Open.Remove(choice);
        _inbox.EndChoices(1);
        if (call.Open.Count == 0) End(call, now);
    }

    private void Cancel(ServedCall call)
    {
        var now = _clock.GetTimestamp();
        while (call.Open.Count > 0) Tell(call.Open[^1], call.Open[^1].Cancel(), now);
    }

    private void End(ServedCall call, long now, Exception? failure = null)
    {
        _calls.Remove(call);
        ReaderWatch.End(call);
        _inbox.EndTokens(call.UncomputedTokens);
        call.UncomputedTokens = 0;
        if (--call.Submission.Open == 0) _inbox.EndSubmission();
        call.End(now);
        _outbox.End(call, failure);
    }

    private void Park(ServedCall call)
    {
        foreach (var choice in call.Open)
            if (choice.Slot >= 0) _scheduler.Preempt(choice);
    }
}
