using System.Runtime.InteropServices;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// A member of a <see cref="ThreadTeam"/>: its share of the items, its reports, and whether it sleeps.
/// </summary>
internal sealed unsafe partial class TeamMember : IDisposable
{
    private const nint FutexCall = 202; // on x64
    private const int FutexWait = 128, FutexWake = 129; // within the process

    // Three words, each alone on its cache line: how many pieces of the share are left, the number of pieces done, and
    // whether the member sleeps. The first two words contain the number of their phase. So a piece of a finished phase
    // cannot be taken, and no word needs clearing.
    private readonly NativeBuffer<ulong> _words = new(24);

    /// <summary>Thread of the member; null for the caller.</summary>
    public Thread? Thread { get; init; }

    /// <summary>Whether the thread was started.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>What the member does while it waits for the end of a phase.</summary>
    public ReadAhead Ahead { get; } = new();

    private ref ulong Left => ref _words.Pointer[0];

    private ref ulong Done => ref _words.Pointer[8];

    private int* Asleep => (int*)&_words.Pointer[16];

    /// <summary>
    /// The phase that the member reported last, and the number of pieces that it has done in this phase.
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
    /// Takes the next piece of this member's share of a phase. Returns its index, or −1 if all pieces are taken or the
    /// phase is over.
    /// </summary>
    /// <param name="phase">Number of the phase.</param>
    /// <param name="pieces">Pieces of the share.</param>
    public int Take(uint phase, int pieces)
    {
        while (true)
        {
            var word = Volatile.Read(ref Left);
            var ahead = (int)(phase - (uint)(word >> 32));
            var left = ahead > 0 ? pieces : (int)word; // nobody has begun the share, or somebody has
            if (ahead < 0 || left == 0) return -1;
            if (Interlocked.CompareExchange(ref Left, Word(phase, left - 1), word) == word) return pieces - left;
        }
    }

    /// <summary>Reports the number of pieces of a phase that the member has done.</summary>
    public void Report(uint phase, int done) => Volatile.Write(ref Done, Word(phase, done));

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
