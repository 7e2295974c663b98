namespace Crosshead.Decoding.TensorParallel;

/// <summary>Where the threads of ranks wait for each other.</summary>
/// <param name="ranks">Number of ranks.</param>
internal sealed class RankMeeting(int ranks) : IDisposable
{
    private readonly Barrier _barrier = new(ranks);
    private readonly CancellationTokenSource _givenUp = new();
    private readonly bool[] _said = new bool[2 * ranks];
    private readonly int[] _times = new int[ranks];

    /// <summary>Number of ranks.</summary>
    public int Ranks => ranks;

    /// <summary>Whether all ranks say yes; waits until all have said something.</summary>
    /// <param name="rank">The rank.</param>
    /// <param name="own">What it says.</param>
    /// <exception cref="OperationCanceledException">A rank has failed.</exception>
    public bool All(int rank, bool own)
    {
        // Two places take turns: who comes again may not overwrite what another has not read.
        var said = _said.AsSpan(_times[rank]++ % 2 * ranks, ranks);
        said[rank] = own;
        _barrier.SignalAndWait(_givenUp.Token);
        return !said.Contains(false);
    }

    /// <summary>Nobody waits any longer, because a rank has failed.</summary>
    public void GiveUp() => _givenUp.Cancel();

    /// <inheritdoc/>
    public void Dispose()
    {
        _barrier.Dispose();
        _givenUp.Dispose();
    }
}
