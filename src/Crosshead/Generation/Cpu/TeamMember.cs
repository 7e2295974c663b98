using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Crosshead.Generation.Cpu;

/// <summary>A member of a <see cref="ThreadTeam"/>: its queue of items, what it reports, and whether it is there to work.</summary>
/// <param name="index">Index of the member.</param>
/// <param name="members">Members of the team.</param>
internal sealed unsafe partial class TeamMember(int index, int members) : IDisposable
{
    // A member that was late is left out for four times as long as it was waited for, so that a short disturbance costs little;
    // one that is late again before it has worked for eight times as long, for four times as long as before. That is a core in use.
    private const int PauseFactor = 4, SoundFactor = 8;
    private const nint FutexCall = 202; // on x64
    private const int FutexWait = 128, FutexWake = 129; // within the process
    private static readonly long s_longestPause = Stopwatch.Frequency;

    // Each alone on its cache line: the next item of the queue, and the items done. Both carry the phase they belong to, so that
    // nothing of a phase that is over can be taken, and nobody has to clear them. And whether it sleeps.
    private readonly NativeBuffer<ulong> _words = new(24);
    private bool _leftOut;
    private long _askAgain, _pause, _back;

    /// <summary>Its thread; null for the caller's.</summary>
    public Thread? Thread { get; init; }

    /// <summary>Whether its thread was started.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>Whether it takes no part for a while.</summary>
    public bool LeftOut => Volatile.Read(ref _leftOut);

    private ref ulong Next => ref _words.Pointer[0];

    private ref ulong Done => ref _words.Pointer[8];

    private ref int Asleep => ref *(int*)&_words.Pointer[16];

    /// <summary>
    /// Takes its share of the items; false where it is taken already. A share is taken whole: in four parts decoding took a
    /// quarter longer alone, and no less beside another program.
    /// </summary>
    /// <param name="phase">The phase.</param>
    /// <param name="items">Items of the phase, of which this member's share lies in its queue.</param>
    /// <param name="first">First item.</param>
    /// <param name="end">One past the last item.</param>
    public bool Take(uint phase, int items, out int first, out int end)
    {
        var (start, stop) = ((int)((long)items * index / members), (int)((long)items * (index + 1) / members));
        while (true)
        {
            var next = Volatile.Read(ref Next);
            var age = (int)(phase - (uint)(next >> 32));
            first = age > 0 ? start : (int)next; // of a phase before: nobody has taken any yet
            end = stop;
            if (age < 0 || first >= stop) return false;
            if (Interlocked.CompareExchange(ref Next, Word(phase, end), next) == next) return true;
        }
    }

    /// <summary>Says how many items of a phase it has done, and whether it may be holding more.</summary>
    public void Report(uint phase, int done, bool busy) => Volatile.Write(ref Done, Word(phase, busy ? ~done : done));

    /// <summary>What it last reported of a phase; nothing done where it has not come to that phase.</summary>
    public (int Done, bool Busy) Reported(uint phase)
    {
        var word = Volatile.Read(ref Done);
        if (word >> 32 != phase) return (0, false);
        return (int)word < 0 ? (~(int)word, true) : ((int)word, false);
    }

    /// <summary>Leaves it out from now on.</summary>
    public void LeaveOut()
    {
        _askAgain = long.MaxValue;
        Volatile.Write(ref _leftOut, true);
    }

    /// <summary>Sets when it is asked again, once it is known how long it was waited for.</summary>
    public void Pause(long waited, long now)
    {
        if (_askAgain != long.MaxValue) return;
        var shortest = PauseFactor * waited;
        _pause = Math.Min(s_longestPause, now - _back < SoundFactor * waited ? Math.Max(4 * _pause, shortest) : shortest);
        _askAgain = now + _pause;
    }

    /// <summary>Counts it in again where its time has come.</summary>
    public void AskAgain(long now)
    {
        if (!_leftOut || now < _askAgain) return;
        _back = now;
        Volatile.Write(ref _leftOut, false);
    }

    /// <summary>Starts it or wakes it, where it is not awake.</summary>
    public void Wake()
    {
        if (!IsStarted)
        {
            IsStarted = true;
            Thread!.Start();
        }
        else if (Asleep != 0 && Interlocked.Exchange(ref Asleep, 0) != 0)
        {
            _ = Futex(FutexCall, (int*)&_words.Pointer[16], FutexWake, 1, 0);
        }
    }

    /// <summary>Says that it will sleep. To be followed by a last look for work, and by <see cref="Sleep"/> or <see cref="Stay"/>.</summary>
    public void Announce() => Interlocked.Exchange(ref Asleep, 1);

    /// <summary>Stays awake after all.</summary>
    public void Stay() => Volatile.Write(ref Asleep, 0);

    /// <summary>Sleeps until woken.</summary>
    public void Sleep()
    {
        while (Volatile.Read(ref Asleep) != 0) _ = Futex(FutexCall, (int*)&_words.Pointer[16], FutexWait, 1, 0);
    }

    /// <summary>Frees what it holds, once its thread has ended.</summary>
    public void Dispose() => _words.Dispose();

    // The kernel's own waiting: to wake a thread that sleeps takes no lock, and to find one awake takes no call.
    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint Futex(nint call, int* word, int operation, int value, nint timeout);

    private static ulong Word(uint phase, int value) => ((ulong)phase << 32) | (uint)value;
}
