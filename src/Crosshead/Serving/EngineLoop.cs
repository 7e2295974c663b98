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
    private const int MostFailures = 3;      // steps in a row that may lack memory
    private readonly IDecoder _decoder;
    private readonly IPageStore _store;
    private readonly EngineInbox _inbox;
    private readonly EngineOutbox _outbox;
    private readonly StepMeter _meter;
    private readonly TimeProvider _clock;
    private readonly OpenCalls _calls;
    private readonly StepDraws _draws;
    private readonly DecodePass _pass = new();
    private int _failures;
    private double _computeSeconds;

    /// <summary>Nothing is computed yet.</summary>
    /// <param name="decoder">What computes; its cache has pages.</param>
    /// <param name="slots">Most choices side by side.</param>
    /// <param name="options">The limits.</param>
    /// <param name="inbox">What others want.</param>
    /// <param name="outbox">What they are told.</param>
    /// <param name="meter">How fast steps are.</param>
    /// <param name="clock">The time.</param>
    public EngineLoop(IDecoder decoder, int slots, EngineOptions options, EngineInbox inbox, EngineOutbox outbox,
        StepMeter meter, TimeProvider clock)
    {
        (_decoder, _store, _meter, _clock) = (decoder, (IPageStore)decoder.Cache, meter, clock);
        (_inbox, _outbox, _draws) = (inbox, outbox, new StepDraws(decoder));
        Scheduler = new Scheduler(options, slots, _store.Pages, _store.PageTokens, decoder.PromptCost);
        _calls = new OpenCalls(options, inbox, outbox, Scheduler, Counters, clock);
        Counters.Publish(Scheduler);
    }

    /// <summary>Which sequences wait and run.</summary>
    public Scheduler Scheduler { get; }

    /// <summary>What has been done.</summary>
    public EngineCounters Counters { get; } = new();

    /// <summary>Whether something is left to do after a step that computed nothing.</summary>
    public bool IsWaiting => _calls.Any;

    /// <summary>Called after each step with its number of tokens and its seconds.</summary>
    public Action<int, double>? Stepped { get; set; }

    /// <summary>Does what others want, and computes one step.</summary>
    /// <returns>Whether there was something to compute.</returns>
    public bool Step()
    {
        var start = _clock.GetTimestamp();
        _calls.Listen(start);
        if (_inbox.TakeClears()) Scheduler.ClearPrefixes();
        var plan = Scheduler.Plan(_meter);
        Place();
        var runs = plan.Runs.Count > 0;
        var computed = runs && TryCompute(plan);
        var seconds = 0.0;
        if (computed)
        {
            _calls.Take(_draws.Take(plan));
            seconds = _clock.GetElapsedTime(start).TotalSeconds;
            _meter.Add(plan, seconds);
            Counters.AddStep(plan.Tokens, seconds, _computeSeconds);
        }
        Tell();
        if (computed) Stepped?.Invoke(plan.Tokens, seconds);
        return runs;
    }

    /// <summary>Ends all calls as cancelled.</summary>
    public void CancelAll()
    {
        _calls.CancelAll();
        Tell();
    }

    /// <summary>Ends all calls with a failure.</summary>
    public void FailAll(Exception failure)
    {
        _calls.FailAll(failure);
        Tell();
    }

    // Who has read of an end finds it counted.
    private void Tell()
    {
        Counters.Publish(Scheduler);
        _outbox.Send();
    }

    // The decoder learns which pages its slots have.
    private void Place()
    {
        foreach (var slot in Scheduler.FreedSlots) _store.Place(slot, [], 0);
        Scheduler.FreedSlots.Clear();
        if (Scheduler.DiscardedPages.Count > 0) _store.Clear(CollectionsMarshal.AsSpan(Scheduler.DiscardedPages));
        Scheduler.DiscardedPages.Clear();
        foreach (var sequence in Scheduler.Running)
        {
            if (!sequence.HasMoved) continue;
            _store.Place(sequence.Slot, CollectionsMarshal.AsSpan(sequence.Pages), sequence.Computed);
            sequence.HasMoved = false;
        }
    }

    private bool TryCompute(StepPlan plan)
    {
        _calls.Start(plan.Started);
        _pass.Clear();
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
            _calls.Fail(((Choice)newest).Call, failure);
            return false;
        }
    }
}
