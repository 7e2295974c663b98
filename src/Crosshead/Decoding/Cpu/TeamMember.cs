using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// A member of a <see cref="ThreadTeam"/>: its share of the items, what it reports, and whether it is there to work.
/// </summary>
internal sealed unsafe partial class TeamMember : IDisposable
{
    // A member that was late once is asked again at once: what disturbed it is likely over. One that is late again
    // before it has worked for eight times as long as it was waited for is on a core in use: it is left out for four
    // times as long, and each further time for four times as long as before.
    private const int PauseFactor = 4, SoundFactor = 8;
    private const nint FutexCall = 202; // on x64
    private const int FutexWait = 128, FutexWake = 129; // within the process
    private static readonly long s_longestPause = Stopwatch.Frequency;

    // Each alone on its cache line: who took its share, and the shares it has done. Both carry the phase they belong
    // to, so that nothing of a phase that is over can be taken, and nobody has to clear them. And whether it sleeps.
    private readonly NativeBuffer<ulong> _words = new(24);
    private bool _leftOut;
    private long _askAgain, _pause, _back;

    /// <summary>Its thread; null for the caller's.</summary>
    public Thread? Thread { get; init; }

    /// <summary>Whether its thread was started.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>Whether it takes no part for a while.</summary>
    public bool LeftOut => Volatile.Read(ref _leftOut);

    private ref ulong Taken => ref _words.Pointer[0];

    private ref ulong Done => ref _words.Pointer[8];

    private int* Asleep => (int*)&_words.Pointer[16];

    /// <summary>The phase it came to last, and how many shares of that it has done.</summary>
    public (uint Phase, int Done) Reported
    {
        get
        {
            var word = Volatile.Read(ref Done);
            return ((uint)(word >> 32), (int)word);
        }
    }

    /// <summary>
    /// Takes this member's share of a phase; false where it is taken already, also since the phase is over. A share is
    /// taken whole: in four parts decoding took a quarter longer.
    /// </summary>
    /// <param name="phase">Number of the phase.</param>
    /// <param name="taker">The member that takes it.</param>
    public bool Take(uint phase, int taker)
    {
        var taken = Volatile.Read(ref Taken);
        return (int)(phase - (uint)(taken >> 32)) > 0
            && Interlocked.CompareExchange(ref Taken, Word(phase, taker), taken) == taken;
    }

    /// <summary>Whether some member has taken this one's share of a phase.</summary>
    public bool IsTaken(uint phase, int taker) => Volatile.Read(ref Taken) == Word(phase, taker);

    /// <summary>Says how many shares of a phase it has done.</summary>
    public void Report(uint phase, int done) => Volatile.Write(ref Done, Word(phase, done));

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
        _pause = now - _back < SoundFactor * waited
            ? Math.Min(s_longestPause, PauseFactor * Math.Max(_pause, waited)) : 0;
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
        else if (*Asleep != 0 && Interlocked.Exchange(ref *Asleep, 0) != 0)
        {
            _ = Futex(FutexCall, Asleep, FutexWake, 1, 0);
        }
    }

    /// <summary>
    /// Says that it will sleep. To be followed by a last look for work, and by <see cref="Sleep"/> or
    /// <see cref="Stay"/>.
    /// </summary>
    public void Announce() => Interlocked.Exchange(ref *Asleep, 1);

    /// <summary>Stays awake after all.</summary>
    public void Stay() => Volatile.Write(ref *Asleep, 0);

    /// <summary>Sleeps until woken.</summary>
    public void Sleep()
    {
        while (Volatile.Read(ref *Asleep) != 0) _ = Futex(FutexCall, Asleep, FutexWait, 1, 0);
    }

    /// <summary>Frees what it holds, once its thread has ended.</summary>
    public void Dispose() => _words.Dispose();

    // The kernel's own waiting: to wake a thread that sleeps takes no lock, and to find one awake takes no call.
    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint Futex(nint call, int* word, int operation, int value, nint timeout);

    private static ulong Word(uint phase, int value) => ((ulong)phase << 32) | (uint)value;
}
