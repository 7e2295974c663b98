namespace Crosshead.Serving;

/// <summary>Sequences that wait for a slot, in the order in which they go.</summary>
internal sealed class WaitingQueue
{
    private readonly SortedSet<Sequence> _sequences = [];
    private readonly List<Sequence> _behind = [];

    /// <summary>How many wait.</summary>
    public int Count => _sequences.Count;

    /// <summary>Adds a sequence at its place.</summary>
    public void Add(Sequence sequence) => _sequences.Add(sequence);

    /// <summary>Removes a sequence.</summary>
    public bool Remove(Sequence sequence) => _sequences.Remove(sequence);

    /// <summary>
    /// Lists the first sequences that could go on. Those whose readers are behind come last, and those that are paused
    /// not at all.
    /// </summary>
    /// <param name="most">How many at most.</param>
    /// <param name="first">The list; what it holds is replaced.</param>
    public void First(int most, List<Sequence> first)
    {
        first.Clear();
        if (_sequences.Count == 0) return;
        foreach (var sequence in _sequences)
        {
            if (first.Count == most) break;
            if (sequence.IsPaused) continue;
            if (!sequence.IsBehind) first.Add(sequence);
            else if (_behind.Count < most) _behind.Add(sequence);
        }
        for (var i = 0; i < _behind.Count && first.Count < most; i++) first.Add(_behind[i]);
        _behind.Clear();
    }
}
