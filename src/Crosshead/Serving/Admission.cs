namespace Crosshead.Serving;

/// <summary>
/// Decides which waiting sequence may start: first come, first served, and only when there are pages for all tokens it
/// has, beside a reserve for those that run.
/// </summary>
/// <param name="table">The pages.</param>
internal sealed class Admission(PageTable table)
{
    private const int MostWaits = 8;        // steps in which a sequence waits for a common prefix
    private const int MostOvertaken = 8;    // sequences that may overtake one
    private const int SmallerBy = 4;        // how much fewer pages one needs that overtakes
    private const int CertainAfter = 2;     // preemptions after which a sequence starts only if it can end
    private Sequence? _head; // the first that lacks pages in this step
    private int _headNeed;

    /// <summary>Computed pages of the sequence that was asked for last.</summary>
    public List<PrefixNode> Found { get; } = [];

    /// <summary>Begins a step.</summary>
    public void Begin() => _head = null;

    /// <summary>Whether a sequence could not start in this step for lack of pages.</summary>
    public bool LacksPages => _head is not null;

    /// <summary>Whether no other sequence may start in this step.</summary>
    public bool IsClosed => _head is { Overtaken: >= MostOvertaken };

    /// <summary>Whether a sequence may start now.</summary>
    /// <param name="sequence">The sequence; asked for in the order in which they wait.</param>
    /// <param name="running">The sequences that have a slot.</param>
    /// <param name="count">Tokens that a step computes of a prompt, about.</param>
    public bool MayStart(Sequence sequence, List<Sequence> running, int count)
    {
        table.Find(sequence, Found);
        if (WaitsForPrefix(sequence, running, count)) return false;
        var need = table.Need(sequence, Found);
        if (_head is not null && need * SmallerBy > _headNeed) return false;
        if (need + Reserve(sequence, running) > table.Available)
        {
            if (_head is null) (_head, _headNeed) = (sequence, need);
            return false;
        }
        if (_head is not null) _head.Overtaken++;
        return true;
    }

    private bool WaitsForPrefix(Sequence sequence, List<Sequence> running, int count)
    {
        if (sequence.Waited >= MostWaits) return false;
        foreach (var other in running)
        {
            if (other.Left <= 1 || other.IsPaused) continue;
            if (!table.WillPublish(sequence, Found, other, other.LastCount > 0 ? other.LastCount : count)) continue;
            sequence.Waited++;
            return true;
        }
        return false;
    }

    // Pages that stay available: for those that run, and, for a sequence that has lost its pages repeatedly, as many
    // as it and all before it can ever need.
    private int Reserve(Sequence sequence, List<Sequence> running)
    {
        if (running.Count == 0) return 0;
        var reserve = Math.Max(table.Pages / 100, running.Count);
        if (sequence.Preemptions < CertainAfter) return reserve;
        var growth = Growth(sequence, table.PagesFor(sequence.Tokens.Count));
        foreach (var other in running)
            if (other.CompareTo(sequence) < 0) growth += Growth(other, other.Pages.Count);
        return Math.Max(reserve, growth);
    }

    private int Growth(Sequence sequence, int pages) =>
        Math.Max(0, table.PagesFor(sequence.MostTokens) - pages);
}
