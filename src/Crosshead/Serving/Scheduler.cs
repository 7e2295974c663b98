using Crosshead.Decoding;

namespace Crosshead.Serving;

/// <summary>
/// Decides what each step computes. Sequences that decode come first, one token each; then prompts share what is left
/// of the step. If pages run out, the newest sequence gives its own back, keeps its tokens, and waits to be computed
/// again. Knows no tensors and no time.
/// </summary>
internal sealed class Scheduler
{
    private const int MostConsidered = 64; // waiting sequences that a step looks at
    private const int MostTouched = 16;    // those whose prefixes stay longest
    private readonly PrefixTree _tree;
    private readonly PageTable _table;
    private readonly Admission _admission;
    private readonly PrefillShares _shares;
    private readonly WaitingQueue _waiting = new();
    private readonly bool[] _usedSlots;
    private readonly List<Sequence> _considered = [], _touching = [];
    private readonly List<PrefixNode> _scratch = [];
    private readonly StepPlan _plan = new();
    private bool _touched; // whether the prefixes of the first that wait count as just used in this step

    /// <summary>Nothing waits or runs.</summary>
    /// <param name="options">The limits.</param>
    /// <param name="slots">Most sequences side by side.</param>
    /// <param name="pages">Number of pages.</param>
    /// <param name="pageTokens">Tokens per page.</param>
    /// <param name="cost">What tokens of prompts cost.</param>
    public Scheduler(EngineOptions options, int slots, int pages, int pageTokens, PromptCost cost = default)
    {
        (Pool, _usedSlots) = (new PagePool(pages), new bool[slots]);
        _tree = new PrefixTree(Pool, options.PrefixCache);
        _table = new PageTable(Pool, _tree, pageTokens);
        (_admission, _shares) = (new Admission(_table), new PrefillShares(options, cost));
    }

    /// <summary>The pages.</summary>
    public PagePool Pool { get; }

    /// <summary>The sequences that have a slot, in the order in which they go.</summary>
    public List<Sequence> Running { get; } = [];

    /// <summary>Number of sequences that wait for a slot.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Slots that were given back since they were taken from here.</summary>
    public List<int> FreedSlots { get; } = [];

    /// <summary>
    /// Pages that held what is of no use, and that nobody has; those since they were taken from here.
    /// </summary>
    public List<int> DiscardedPages { get; } = [];

    /// <summary>
    /// Whether a sequence lacked a slot or pages in the last plan, other than those whose readers are behind.
    /// </summary>
    public bool LacksRoom { get; private set; }

    /// <summary>How often a sequence gave its pages to another.</summary>
    public long Preemptions { get; private set; }

    /// <summary>Adds a sequence that waits.</summary>
    public void Add(Sequence sequence) => _waiting.Add(sequence);

    /// <summary>Removes a sequence, whether it waits or runs.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="discards">Whether what it has computed is of no use to others.</param>
    public void Remove(Sequence sequence, bool discards = false)
    {
        if (!_waiting.Remove(sequence) && sequence.Slot >= 0) Stop(sequence, discards);
    }

    /// <summary>Takes slot and pages from a sequence, which waits from then on.</summary>
    public void Preempt(Sequence sequence)
    {
        Stop(sequence);
        sequence.Preemptions++;
        Preemptions++;
        _waiting.Add(sequence);
    }

    /// <summary>Frees the computed prefixes that no sequence uses.</summary>
    public void ClearPrefixes() => _tree.Clear();

    /// <summary>Chooses what the next step computes, and reserves the pages for it.</summary>
    /// <param name="meter">Says how many prompt tokens the step may have.</param>
    /// <returns>The step; valid until the next plan.</returns>
    public StepPlan Plan(StepMeter meter)
    {
        _plan.Clear();
        _touched = false;
        for (var i = 0; i < Running.Count; i++)
        {
            var sequence = Running[i];
            if (sequence is { Left: 1, IsPaused: false } && TryReserve(sequence)) _plan.Add(sequence, 1);
        }
        var prompts = Running.Count(s => s.Left > 1);
        LacksRoom = _plan.Preempted;
        var budget = meter.Budget(_plan.Decodes, _waiting.Count + prompts);
        if (!_plan.Preempted) budget = budget with { Tokens = budget.Tokens - Admit(budget.Tokens, prompts) };
        _shares.Add(Running, budget, _plan);
        return _plan;
    }

    /// <summary>Counts the tokens of a run as computed.</summary>
    public static void Commit(Sequence sequence, int count)
    {
        sequence.Computed += count;
        sequence.LastCount = count;
    }

    /// <summary>Lets other sequences find the computed pages of one that runs.</summary>
    public void Publish(Sequence sequence) => _table.Publish(sequence);

    // Starts sequences that wait. Those that need one token only are planned at once: returns how many.
    private int Admit(int budget, int prompts)
    {
        if (_waiting.Count == 0) return 0;
        _admission.Begin();
        var backlog = Running.Sum(s => s is { Left: > 1, IsPaused: false } ? (long)s.Left : 0);
        var single = 0;
        _waiting.First(MostConsidered, _considered);
        foreach (var sequence in _considered)
        {
            LacksRoom |= Running.Count == _usedSlots.Length && !sequence.IsBehind;
            if (Running.Count == _usedSlots.Length || single == budget || _admission.IsClosed) break;
            if (prompts >= PrefillShares.MostShares && backlog >= budget) break;
            if (!_admission.MayStart(sequence, Running, budget))
            {
                LacksRoom |= _admission.LacksPages && !sequence.IsBehind;
                continue;
            }
            Start(sequence);
            if (sequence.Left > 1)
            {
                (prompts, backlog) = (prompts + 1, backlog + sequence.Left);
            }
            else
            {
                _plan.Add(sequence, 1);
                single++;
            }
        }
        return single;
    }

    private void Start(Sequence sequence)
    {
        Touch();
        _waiting.Remove(sequence);
        _table.Give(sequence, _admission.Found);
        sequence.Slot = Array.IndexOf(_usedSlots, false);
        _usedSlots[sequence.Slot] = true;
        (sequence.Overtaken, sequence.Waited, sequence.PassedOver) = (0, 0, 0);
        Running.Insert(~Running.BinarySearch(sequence), sequence);
        _plan.Started.Add(sequence);
    }

    private void Stop(Sequence sequence, bool discards = false)
    {
        _table.Take(sequence, discards ? DiscardedPages : null);
        _usedSlots[sequence.Slot] = false;
        FreedSlots.Add(sequence.Slot);
        sequence.Slot = -1;
        Running.Remove(sequence);
    }

    // A page for the next token; the newest sequences lose theirs if there is none.
    private bool TryReserve(Sequence sequence)
    {
        while (sequence.Pages.Count < _table.PagesFor(sequence.Computed + 1))
        {
            Touch();
            if (_table.TryGrow(sequence)) continue;
            var newest = Running[^1];
            Preempt(newest);
            _plan.Preempted = true;
            if (newest == sequence) return false;
        }
        return true;
    }

    // What the first in the queue will use is not the first to be evicted.
    private void Touch()
    {
        if (_touched || Pool.Free > 0) return;
        _touched = true;
        _waiting.First(MostTouched, _touching);
        foreach (var sequence in _touching) _table.Touch(sequence, _scratch);
    }
}
