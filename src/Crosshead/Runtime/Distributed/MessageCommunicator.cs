using System.Diagnostics;

namespace Crosshead.Runtime.Distributed;

/// <summary>
/// Ranks that are processes. Collectives are made of messages between pairs of ranks, and this rank asks for
/// their arrival itself: so it knows at any time whom it waits for, and hears of a rank that failed.
/// </summary>
internal sealed unsafe class MessageCommunicator : ICommunicator
{
    private const int LeastTag = 16, Tags = 4096, Kinds = 4; // any library has tags up to 32,767
    private const int Spins = 256, SpinsBetweenLooks = 64;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10), s_pause = TimeSpan.FromSeconds(2),
        s_finish = TimeSpan.FromMinutes(1);

    private readonly IMessages _library;
    private readonly Transfers _transfers;
    private readonly RankEndings _endings;
    private readonly Watchdog _watchdog;
    private readonly Action<string> _tell;
    private string _collective = "";
    private long _number;
    private bool _inside, _clean = true;
    private int _exitCode = 1;

    /// <summary>Gets to know the other ranks, which must do so too.</summary>
    /// <param name="messages">What carries the messages; this object ends it.</param>
    /// <param name="tell">Takes the last line of a run that hangs, on any thread.</param>
    public MessageCommunicator(IMessages messages, Action<string> tell)
    {
        var seconds = Watchdog.Seconds(Environment.GetEnvironmentVariable);
        _tell = tell;
        _library = messages;
        _transfers = new Transfers(_library);
        _endings = new RankEndings(_library);
        _watchdog = new Watchdog(seconds, Hang);
        var hosts = this.AllGather(HostIdentity());
        LocalRank = hosts.Take(Rank).Count(h => h == hosts[Rank]);
        LocalRanks = hosts.Count(h => h == hosts[Rank]);
        var cores = this.AllGather($"{HostIdentity()} {ProcessorLimits.AllowedCores()}");
        ComputeThreads.Divide(LocalRanks, cores.Count(c => c == cores[Rank]));
    }

    /// <inheritdoc/>
    public string Name => _library.Name;

    /// <inheritdoc/>
    public int Rank => _library.Rank;

    /// <inheritdoc/>
    public int Ranks => _library.Ranks;

    /// <inheritdoc/>
    public int LocalRank { get; }

    /// <inheritdoc/>
    public int LocalRanks { get; }

    /// <inheritdoc/>
    public string Activity
    {
        get => _watchdog.Activity;
        set => _watchdog.Activity = value;
    }

    /// <inheritdoc/>
    public void Barrier()
    {
        var tag = Enter("barrier", 0);
        foreach (var rank in Others())
        {
            _transfers.Receive(null, 0, rank, tag);
            _transfers.Send(null, 0, rank, tag);
        }
        Complete();
    }

    /// <inheritdoc/>
    public void Broadcast(Span<byte> data, int root)
    {
        var tag = Enter("broadcast", 1);
        fixed (byte* own = data)
        {
            if (Rank != root) _transfers.Receive(own, data.Length, root, tag);
            else foreach (var rank in Others()) _transfers.Send(own, data.Length, rank, tag);
            Complete();
        }
    }

    /// <inheritdoc/>
    public void AllGather(byte* send, byte* receive, ReadOnlySpan<long> bytes)
    {
        var tag = Enter("all-gather", 2);
        for (var rank = 0; rank < Ranks; rank++)
        {
            if (rank == Rank) Buffer.MemoryCopy(send, receive, bytes[rank], bytes[rank]);
            else _transfers.Receive(receive, bytes[rank], rank, tag);
            receive += bytes[rank];
        }
        foreach (var rank in Others()) _transfers.Send(send, bytes[Rank], rank, tag);
        Complete();
    }

    /// <inheritdoc/>
    public void AllToAll(byte* send, ReadOnlySpan<long> sendBytes, byte* receive, ReadOnlySpan<long> receiveBytes)
    {
        var tag = Enter("all-to-all", 3);
        byte* own = null;
        for (var rank = 0; rank < Ranks; rank++)
        {
            if (rank == Rank) own = receive;
            else _transfers.Receive(receive, receiveBytes[rank], rank, tag);
            receive += receiveBytes[rank];
        }
        for (var rank = 0; rank < Ranks; rank++)
        {
            if (rank == Rank) Buffer.MemoryCopy(send, own, receiveBytes[rank], sendBytes[rank]);
            else _transfers.Send(send, sendBytes[rank], rank, tag);
            send += sendBytes[rank];
        }
        Complete();
    }

    /// <inheritdoc/>
    public RankEnding End(RankEnding own)
    {
        _exitCode = own.ExitCode;
        Activity = "the end of the run";
        _transfers.Exclusively(() => _endings.Tell(own));
        var start = Stopwatch.GetTimestamp();
        while (!AreAllEnded())
        {
            // Ranks that compute, or wait for a device, do not listen.
            if (own.Failure is { } failure && Stopwatch.GetElapsedTime(start) > s_patience)
            {
                if (!own.Followed) _tell(RankEnding.Named(failure, Rank, Ranks));
                Abort(own.ExitCode);
            }
            Thread.Sleep(1);
        }
        var ending = RankEnding.Of([.. _endings.Known.Select(e => e!)]);
        _exitCode = ending.ExitCode;
        return ending;
    }

    /// <inheritdoc/>
    public void Abort(int exitCode)
    {
        _ = ExitAfter(s_patience, exitCode);
        _library.Abort(exitCode);
        NativeProcess.Exit(exitCode);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _watchdog.Dispose();
        // With messages under way the library may wait for them.
        var lift = ExitAfter(_clean ? s_finish : s_pause, _exitCode);
        _library.Finish();
        lift();
    }

    private IEnumerable<int> Others() => Enumerable.Range(0, Ranks).Where(rank => rank != Rank);

    // Ranks that are at different collectives would take each other's messages: each has tags of its own.
    private int Enter(string collective, int kind)
    {
        (_collective, _inside) = (collective, true);
        _watchdog.Progress();
        return LeastTag + ((int)(++_number % Tags) * Kinds) + kind;
    }

    private void Complete()
    {
        try
        {
            for (var spins = 1; !_transfers.AreDone(); spins++)
            {
                if (spins % SpinsBetweenLooks == 0) HearOfEndings();
                if (spins > Spins) Thread.Yield();
            }
        }
        catch
        {
            _clean &= _transfers.GiveUp();
            throw;
        }
        finally
        {
            _inside = false;
            _watchdog.Progress();
        }
    }

    // A rank may end after it sent all that is wanted of it here: then this rank goes on, and learns of the end where
    // it waits for that rank. So what it says of the end is the same each time.
    private void HearOfEndings()
    {
        _transfers.Exclusively(_endings.Look);
        for (var rank = 0; rank < Ranks; rank++)
            if (_endings.Known[rank] is { } ending && IsStillMissing(rank))
                throw new RankEndedException(rank, Ranks, ending);
    }

    private bool IsStillMissing(int rank)
    {
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < s_pause; Thread.Yield())
            if (_transfers.AreDone() || !_transfers.Missing().Contains(rank)) return false;
        return true;
    }

    private bool AreAllEnded()
    {
        var complete = false;
        _transfers.Exclusively(() => complete = _endings.AreComplete());
        return complete;
    }

    // One rank tells: the first of those that wait, otherwise the first of all. The others follow if it does not.
    private void Hang(string time)
    {
        var missing = _inside ? _transfers.Missing() : [];
        var doing = $"{(_number == 0 ? "the start" : $"{_collective} {_number}")}"
            + $"{(Activity.Length > 0 ? $" ({Activity})" : "")}";
        var waits = missing.Count > 0;
        if (!waits || Enumerable.Range(0, Rank).Any(r => !missing.Contains(r))) Thread.Sleep(s_patience);
        if (!waits && Rank > 0) Thread.Sleep(s_patience);
        _tell(RankEnding.Named(waits
            ? $"waited {time} for rank {string.Join(", ", missing)} in {doing}; the run ends. Resume it from its last "
                + $"checkpoint."
            : $"nothing went on for {time} after {doing}; the run ends. Resume it from its last checkpoint.",
            Rank, Ranks));
        _transfers.Exclusively(() => Abort(RankEnding.LostRank));
    }

    // The library may hang where it should end. What is returned lifts the limit. The thread may begin only afterwards,
    // so nothing that it looks at is disposed.
    private static Action ExitAfter(TimeSpan time, int exitCode)
    {
        var lifted = new TaskCompletionSource();
        new Thread(() =>
        {
            if (!lifted.Task.Wait(time)) NativeProcess.Exit(exitCode);
        })
        { IsBackground = true }.Start();
        return lifted.SetResult;
    }

    // Two containers of one host have different names, and the same start of the system.
    private static string HostIdentity() =>
        SystemFile.Lines("/", "proc/sys/kernel/random/boot_id").FirstOrDefault() ?? Environment.MachineName;
}
