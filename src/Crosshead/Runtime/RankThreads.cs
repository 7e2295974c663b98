namespace Crosshead.Runtime;

/// <summary>
/// Threads that do the same work side by side, one a rank. Rank 0 is the thread that asks for it. The others wait awake
/// for a while after each work, because the next one of a decoder follows at once.
/// </summary>
internal sealed class RankThreads : IDisposable
{
    private const int LooksAwake = 2000;

    private readonly Thread[] _threads;
    private readonly Lock _asking = new();
    private readonly object _asleep = new();
    private readonly FirstFailure _failure = new();
    private Action<int>? _work;
    private volatile int _round, _left;
    private volatile bool _stops;

    /// <summary>Starts the threads.</summary>
    /// <param name="ranks">Number of ranks.</param>
    public RankThreads(int ranks)
    {
        _threads = [.. Enumerable.Range(1, ranks - 1).Select(rank => new Thread(() => Loop(rank))
        {
            IsBackground = true,
            Name = $"Crosshead rank {rank}",
        })];
        foreach (var thread in _threads) thread.Start();
    }

    /// <summary>Number of ranks.</summary>
    public int Ranks => _threads.Length + 1;

    /// <summary>
    /// Called when a rank has failed, on its thread, so that the others stop waiting for it. Null for nothing to do.
    /// </summary>
    public Action? Failed { get; set; }

    /// <summary>Does some work on all ranks, and waits until all have ended.</summary>
    /// <param name="work">What a rank does.</param>
    /// <exception cref="Exception">What the rank threw that failed first.</exception>
    public void Run(Action<int> work)
    {
        lock (_asking)
        {
            (_work, _left) = (work, Ranks - 1);
            lock (_asleep)
            {
                _round++;
                Monitor.PulseAll(_asleep);
            }
            Try(0);
            for (var wait = new SpinWait(); _left > 0;) wait.SpinOnce(sleep1Threshold: -1);
            _failure.Throw();
        }
    }

    /// <summary>Ends the threads.</summary>
    public void Dispose()
    {
        _stops = true;
        lock (_asleep)
        {
            _round++;
            Monitor.PulseAll(_asleep);
        }
        foreach (var thread in _threads) thread.Join();
    }

    private void Loop(int rank)
    {
        for (var done = 0; ;)
        {
            for (var look = 0; _round == done && look < LooksAwake; look++) Thread.SpinWait(20);
            lock (_asleep)
                while (_round == done) Monitor.Wait(_asleep);
            done++;
            if (_stops) return;
            Try(rank);
            Interlocked.Decrement(ref _left);
        }
    }

    private void Try(int rank)
    {
        try
        {
            _work!(rank);
        }
        catch (Exception e)
        {
            _failure.Keep(e);
            Failed?.Invoke();
        }
    }
}
