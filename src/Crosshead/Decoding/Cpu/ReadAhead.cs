namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Reads what a member of a team will multiply next into its caches, a few lines at a time, while the member waits for
/// others: memory would rest meanwhile.
/// </summary>
internal sealed unsafe class ReadAhead
{
    private const int Line = 64, LinesAtOnce = 8;
    private const long MostBytes = 512 << 10; // half of a second cache

    private uint _phase;
    private WeightStreams _streams;
    private long _at, _end; // in each stream

    /// <summary>Whether this phase's weights are known already.</summary>
    public bool IsFor(uint phase) => _phase == phase;

    /// <summary>Begins with other weights.</summary>
    /// <param name="phase">Number of the phase that multiplies them.</param>
    /// <param name="streams">The weights.</param>
    public void Begin(uint phase, WeightStreams streams)
    {
        (_phase, _streams, _at) = (phase, streams, 0);
        _end = Math.Min(streams.Length, MostBytes / Math.Max(1, streams.Count));
    }

    /// <summary>Reads some lines. Returns false if all have been read.</summary>
    public bool Read()
    {
        if (_at >= _end) return false;
        for (var lines = 0; lines < LinesAtOnce && _at < _end; lines += _streams.Count, _at += Line)
            for (var stream = 0; stream < _streams.Count; stream++)
                _ = Volatile.Read(ref *(byte*)(_streams.Start + (stream * _streams.Apart) + _at));
        return true;
    }
}
