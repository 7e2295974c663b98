using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// A member of a <see cref="ThreadTeam"/>: its share of the items, its reports, and whether it takes part.
/// </summary>
internal sealed unsafe partial class TeamMember : IDisposable
{
    // Others waited for a late member for a time T. If the member had worked for 8 · T before, the disturbance is
    // likely over. The member is then asked again at once. Otherwise its core is in use, and it is left out for 4 · T.
    // Each further time it is left out for four times as long, at most for 1 s.
    private const int PauseFactor = 4, SoundFactor = 8;
    private const nint FutexCall = 202; // on x64
    private const int FutexWait = 128, FutexWake = 129; // within the process
    private static readonly long s_longestPause = Stopwatch.Frequency;

    // Three words, each alone on its cache line: who took the share, the number of shares done, and whether the member
    // sleeps. The first two words contain the number of their phase. So a share of a finished phase cannot be taken,
    // and no word needs clearing.
    private readonly NativeBuffer<ulong> _words = new(24);
    private bool _leftOut;
    private long _askAgain, _pause, _back;

    /// <summary>Thread of the member; null for the caller.</summary>
    public Thread? Thread { get; init; }

    /// <summary>Whether the thread was started.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>Whether the member is left out for a while.</summary>
    public bool LeftOut => Volatile.Read(ref _leftOut);

    private ref ulong Taken => ref _words.Pointer[0];

    private ref ulong Done => ref _words.Pointer[8];

    private int* Asleep => (int*)&_words.Pointer[16];

    /// <summary>
    /// The phase that the member reported last, and the number of shares that it has done in this phase.
    /// </summary>
    public (uint Phase, int Done) Reported
    {
        get
        {
            var word = Volatile.Read(ref Done);
            return ((uint)(word >> 32), (int)word);
        }
    }

    /// <summary>
    /// Takes this member's whole share of a phase. Returns false if the share is already taken or the phase is over.
    /// With shares in four parts, decoding took a quarter longer.
    /// </summary>
    /// <param name="phase">Number of the phase.</param>
    /// <param name="taker">The member that takes the share.</param>
    public bool Take(uint phase, int taker)
    {
        var taken = Volatile.Read(ref Taken);
        return (int)(phase - (uint)(taken >> 32)) > 0
            && Interlocked.CompareExchange(ref Taken, Word(phase, taker), taken) == taken;
    }

    /// <summary>Whether member <paramref name="taker"/> has taken this member's share of a phase.</summary>
    public bool IsTaken(uint phase, int taker) => Volatile.Read(ref Taken) == Word(phase, taker);

    /// <summary>Reports the number of shares of a phase that the member has done.</summary>
    public void Report(uint phase, int done) => Volatile.Write(ref Done, Word(phase, done));

    /// <summary>Leaves the member out from now on.</summary>
    public void LeaveOut()
    {
        _askAgain = long.MaxValue;
        Volatile.Write(ref _leftOut, true);
    }

    /// <summary>
    /// Sets when a member that was left out is asked again. The time depends on how long others waited for the member.
    /// </summary>
    public void Pause(long waited, long now)
    {
        if (_askAgain != long.MaxValue) return;
        _pause = now - _back < SoundFactor * waited
            ? Math.Min(s_longestPause, PauseFactor * Math.Max(_pause, waited)) : 0;
        _askAgain = now + _pause;
    }

    /// <summary>Lets the member take part again if its pause is over.</summary>
    public void AskAgain(long now)
    {
        if (!_leftOut || now < _askAgain) return;
        _back = now;
        Volatile.Write(ref _leftOut, false);
    }

    /// <summary>Starts the thread, or wakes it if it sleeps.</summary>
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
    /// Announces that the member will sleep. It must then look for work once more, and call <see cref="Sleep"/> or
    /// <see cref="Stay"/>.
    /// </summary>
    public void Announce() => Interlocked.Exchange(ref *Asleep, 1);

    /// <summary>Withdraws the announcement: the member stays awake.</summary>
    public void Stay() => Volatile.Write(ref *Asleep, 0);

    /// <summary>Sleeps until <see cref="Wake"/>.</summary>
    public void Sleep()
    {
        while (Volatile.Read(ref *Asleep) != 0) _ = Futex(FutexCall, Asleep, FutexWait, 1, 0);
    }

    /// <summary>Frees the memory; the thread must have ended.</summary>
    public void Dispose() => _words.Dispose();

    // The kernel's own wait. Waking a sleeping thread takes no lock. If the thread is awake, no call is made.
    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint Futex(nint call, int* word, int operation, int value, nint timeout);

    private static ulong Word(uint phase, int value) => ((ulong)phase << 32) | (uint)value;
}
