using System.Runtime.InteropServices;
using Crosshead.Attention.Caches;
using Crosshead.Decoding;
using Crosshead.Runtime;

namespace Crosshead.Serving;

/// <summary>
/// The work of an engine, step by step. A step is a transaction: it is planned, its pages are reserved, it is computed,
/// tokens are drawn, and then it counts. If computing fails, nothing of it counts. One thread alone uses this.
/// </summary>
internal sealed class EngineLoop
{
    private const int MostNewCalls = 64;     // taken from the queue in one step
    private const int MostFailures = 3;      // steps in a row that may lack memory
    private readonly IDecoder _decoder;
    private readonly IPageStore _store;
    private readonly EngineInbox _inbox;
    private readonly StepMeter _meter;
    private readonly TimeProvider _clock;
    private readonly ReaderWatch _watch;
    private readonly StepDraws _draws;
    private readonly DecodePass _pass = new();
    private readonly List<ServedCall> _calls = [], _taken = [];
    private readonly List<int> _discarded = []; // pages that may hold what is no number
    private long _arrivals;
    private int _failures;
    private double _computeSeconds;

    /// <summary>Nothing is computed yet.</summary>
    /// <param name="decoder">What computes; its cache has pages.</param>
    /// <param name="slots">Most choices side by side.</param>
    /// <param name="options">The limits.</param>
    /// <param name="inbox">What others want.</param>
    /// <param name="meter">How fast steps are.</param>
    /// <param name="clock">The time.</param>
    public EngineLoop(IDecoder decoder, int slots, EngineOptions options, EngineInbox inbox, StepMeter meter,
        TimeProvider clock)
    {
        (_decoder, _store, _inbox, _meter, _clock) = (decoder, (IPageStore)decoder.Cache, inbox, meter, clock);
        Scheduler = new Scheduler(options, slots, _store.Pages, _store.PageTokens);
        (_watch, _draws) = (new ReaderWatch(options, clock), new StepDraws(decoder));
        Counters.Publish(Scheduler);
    }

    /// <summary>Which sequences wait and run.</summary>
    public Scheduler Scheduler { get; }

    /// <summary>What has been done.</summary>
    public EngineCounters Counters { get; } = new();

    /// <summary>Whether something is left to do after a step that computed nothing.</summary>
    public bool IsWaiting => _calls.Count > 0;

    /// <summary>Called after each step with its number of tokens and its seconds.</summary>
    public Action<int, double>? Stepped { get; set; }

    /// <summary>Does what others want, and computes one step.</summary>
    /// <returns>Whether there was something to compute.</returns>
    public bool Step()
    {
        var start = _clock.GetTimestamp();
        Listen(start);
        var plan = Scheduler.Plan(_meter);
        Place();
        var runs = plan.Runs.Count > 0;
        if (runs && TryCompute(plan))
        {
            Draw(plan);
            var seconds = _clock.GetElapsedTime(start).TotalSeconds;
            _meter.Add(plan, seconds);
            Counters.AddStep(plan.Tokens, seconds, _computeSeconds);
            Counters.Publish(Scheduler);
            Stepped?.Invoke(plan.Tokens, seconds);
        }
        Counters.Publish(Scheduler);
        return runs;
    }

    /// <summary>Ends all calls as cancelled.</summary>
    public void CancelAll()
    {
        TakeCalls(int.MaxValue);
        while (_calls.Count > 0) Cancel(_calls[^1]);
        Counters.Publish(Scheduler);
    }

    /// <summary>Ends all calls with a failure.</summary>
    public void FailAll(Exception failure)
    {
        TakeCalls(int.MaxValue);
        while (_calls.Count > 0) Fail(_calls[^1], failure);
        Counters.Publish(Scheduler);
    }

    private void Listen(long now)
    {
        TakeCalls(MostNewCalls);
        _inbox.TakeCancelled(_taken);
        foreach (var call in _taken)
            if (call.IsTaken && !call.HasEnded) Cancel(call);
        if (_inbox.TakeCancelsAll()) CancelAll();
        if (_inbox.TakeClears()) Scheduler.ClearPrefixes();
        for (var i = _calls.Count - 1; i >= 0; i--)
        {
            var call = _calls[i];
            if (_watch.HasStalled(call, now)) Cancel(call);
            else if (_watch.ShallGiveBack(call, now)) Park(call);
        }
    }

    private void TakeCalls(int most)
    {
        _inbox.TakeCalls(_taken, most);
        foreach (var call in _taken)
        {
            foreach (var choice in call.Open) choice.Arrival = _arrivals++;
            call.IsTaken = true;
            _calls.Add(call);
            Scheduler.Add(call.Open[0]);
            if (call.IsCancelled) Cancel(call);
        }
    }

    // The decoder learns which pages its slots have.
    private void Place()
    {
        foreach (var slot in Scheduler.FreedSlots) _store.Place(slot, [], 0);
        Scheduler.FreedSlots.Clear();
        if (_discarded.Count > 0) _store.Clear(CollectionsMarshal.AsSpan(_discarded));
        _discarded.Clear();
        foreach (var sequence in Scheduler.Running)
        {
            if (!sequence.HasMoved) continue;
            _store.Place(sequence.Slot, CollectionsMarshal.AsSpan(sequence.Pages), sequence.Computed);
            sequence.HasMoved = false;
        }
    }

    private bool TryCompute(StepPlan plan)
    {
        _pass.Clear();
        var now = _clock.GetTimestamp();
        foreach (var sequence in plan.Started) Start((Choice)sequence, now);
        foreach (var (sequence, count) in plan.Runs) ((Choice)sequence).AddTo(_pass, count);
        try
        {
            var start = _clock.GetTimestamp();
            _decoder.Run(_pass);
            _computeSeconds = _clock.GetElapsedTime(start).TotalSeconds;
            _failures = 0;
            return true;
        }
        catch (DeviceMemoryException failure) when (++_failures < MostFailures)
        {
            Sequence newest = plan.Runs[0].Sequence;
            foreach (var (sequence, _) in plan.Runs)
            {
                sequence.HasMoved = true; // what the decoder keeps of it is undefined
                if (sequence.CompareTo(newest) > 0) newest = sequence;
            }
            Fail(((Choice)newest).Call, failure);
            return false;
        }
    }

    private void Start(Choice choice, long now)
    {
        var call = choice.Call;
        if (choice.Index > 0 || call.HasStarted) return;
        call.Start(now);
        call.Cached = choice.Computed;
        if (choice.ReadsPrefixes) Counters.AddPrefix(call.PromptTokens, call.Cached);
    }

    private void Draw(StepPlan plan)
    {
        var now = _clock.GetTimestamp();
        foreach (var draw in _draws.Take(plan)) Commit(draw, now);
    }

    private void Commit(StepDraw draw, long now)
    {
        var (choice, _, count) = draw;
        var call = choice.Call;
        if (call.HasEnded) return; // another choice of it has failed in this step
        if (draw.Failure is { } failure)
        {
            Fail(call, failure, _discarded);
            return;
        }
        Scheduler.Commit(choice, count);
        Scheduler.Publish(choice);
        if (choice.Index == 0) CountPrompt(call, Math.Max(0, call.PromptTokens - choice.Computed));
        if (call.UncomputedTokens == 0) Fork(call);
        if (draw.Event is not { } step) return;
        Write(choice, step, now);
        while (!choice.Draws && call.Open.Count > 0) Write(call.Open[0], call.Open[0].EndEmpty(), now);
    }

    // The choices of a call start when the first one has computed their prompt.
    private void Fork(ServedCall call)
    {
        foreach (var choice in call.Forks) Scheduler.Add(choice);
        call.Forks.Clear();
    }

    private void Write(Choice choice, EngineEvent step, long now)
    {
        var call = choice.Call;
        call.Write(step, now);
        if (step.Id >= 0) Counters.AddDrawn();
        if (step.Stop is null) return;
        Scheduler.Remove(choice);
        call.Open.Remove(choice);
        _inbox.EndChoices(1);
        if (call.Open.Count == 0) End(call, now);
    }

    private void CountPrompt(ServedCall call, int uncomputed)
    {
        var count = call.UncomputedTokens - uncomputed;
        if (count <= 0) return; // computed once more
        call.UncomputedTokens = uncomputed;
        _inbox.EndTokens(count);
        Counters.AddPrompt(count);
    }

    private void Cancel(ServedCall call)
    {
        var now = _clock.GetTimestamp();
        while (call.Open.Count > 0) Write(call.Open[^1], call.Open[^1].Cancel(), now);
    }

    private void Fail(ServedCall call, Exception failure, List<int>? discarded = null)
    {
        foreach (var choice in call.Open) Scheduler.Remove(choice, discarded);
        var count = call.Open.Count;
        call.Open.Clear();
        _inbox.EndChoices(count);
        End(call, _clock.GetTimestamp(), failure);
    }

    private void End(ServedCall call, long now, Exception? failure = null)
    {
        _calls.Remove(call);
        _inbox.EndTokens(call.UncomputedTokens);
        call.UncomputedTokens = 0;
        call.End(now, failure);
    }

    private void Park(ServedCall call)
    {
        foreach (var choice in call.Open)
            if (choice.Slot >= 0) Scheduler.Preempt(choice);
    }
}
