namespace Crosshead.Decoding.TensorParallel;

/// <summary>Where the threads of ranks wait for each other, awake: they come within microseconds.</summary>
/// <param name="ranks">Number of ranks.</param>
internal sealed class RankMeeting(int ranks)
{
    private readonly bool[] _said = new bool[2 * ranks];
    private readonly long[] _times = new long[ranks];
    private long _arrived; // of all times
    private volatile bool _givenUp;

    /// <summary>Number of ranks.</summary>
    public int Ranks => ranks;

    /// <summary>Whether all ranks say yes; waits until all have said something.</summary>
    /// <param name="rank">The rank.</param>
    /// <param name="own">What it says.</param>
    /// <exception cref="OperationCanceledException">A rank has failed.</exception>
    public bool All(int rank, bool own)
    {
        // Two places take turns: who comes again may not overwrite what another has not read.
        var time = _times[rank]++;
        var said = _said.AsSpan((int)(time % 2) * ranks, ranks);
        said[rank] = own;
        Interlocked.Increment(ref _arrived);
        for (var wait = new SpinWait(); Volatile.Read(ref _arrived) < (time + 1) * ranks;)
        {
            if (_givenUp) throw new OperationCanceledException("another rank has failed.");
            wait.SpinOnce(sleep1Threshold: -1);
        }
        return !said.Contains(false);
    }

    /// <summary>Nobody waits any longer, because a rank has failed.</summary>
    public void GiveUp() => _givenUp = true;
}
