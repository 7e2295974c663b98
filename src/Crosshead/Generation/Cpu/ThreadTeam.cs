using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.Intrinsics.X86;

namespace Crosshead.Generation.Cpu;

/// <summary>
/// Threads that share the work of the caller, phase after phase: a token has dozens of phases of a few microseconds each.
/// The items of a phase lie in queues, one a member; who has emptied its own takes from the others', so that nobody waits
/// for a member that is not there. The caller waits for one thing alone: a member that lost its core amid an item. Such a
/// member is left out of the phases that follow and asked again later.
/// </summary>
internal sealed unsafe class ThreadTeam : IDisposable
{
    private const int SpinsPerLook = 64, SpinsPerYield = 256;

    // Taking from another's queue slows it down; who is there is likely done in a moment.
    private const int SpinsBeforeHelp = 64;

    // Who waits for work sleeps after 200 µs. Who works for 100 µs more than the caller did is late.
    private static readonly long s_sleepAfter = Stopwatch.Frequency / 5_000, s_lateAfter = Stopwatch.Frequency / 10_000;

    // Nothing here changes from phase to phase, and what does lies on one cache line: a member fetches one, not several.
    private readonly TeamMember[] _members;
    private readonly Action<int, int, int>[] _works;
    private readonly NativeBuffer<ulong> _call = new(16);
    private Exception? _failure;
    private volatile bool _ended;

    /// <summary>A team of the caller, who is member 0, and of threads that start with the first phase.</summary>
    /// <param name="members">Members, the caller among them.</param>
    /// <param name="works">What a phase can do, with items: the first, one past the last, and the member that does them.</param>
    /// <param name="name">Name of the threads.</param>
    public ThreadTeam(int members, Action<int, int, int>[] works, string name = "crosshead")
    {
        _works = works;
        _members = [.. Enumerable.Range(0, members).Select(m =>
            new TeamMember(m, members) { Thread = m == 0 ? null : new Thread(() => Serve(m)) { IsBackground = true, Name = name } })];
    }

    /// <summary>Members, the caller among them.</summary>
    public int Members => _members.Length;

    // The phase (upper half) and its items (lower half).
    private ref ulong Call => ref _call.Pointer[0];

    // Index of what the phase does; read by those who have taken items of it, while it lasts.
    private ref ulong Work => ref _call.Pointer[1];

    // Spins before the caller helps; on a line that it alone uses.
    private ref ulong Patience => ref _call.Pointer[8];

    /// <summary>Whether a member was late and has not been asked again since.</summary>
    public bool IsLeftOut(int member) => _members[member].LeftOut;

    /// <summary>Does a phase: all items, on whichever members come to them. What the work writes is seen by all afterwards.</summary>
    /// <param name="items">Number of items.</param>
    /// <param name="work">Index of what is done.</param>
    /// <exception cref="Exception">The first that the work threw.</exception>
    public void For(int items, int work)
    {
        if (Members == 1 || items <= 1)
        {
            if (items > 0) _works[work](0, items, 0);
            return;
        }
        var from = Stopwatch.GetTimestamp();
        var phase = (uint)(Call >> 32) + 1;
        Volatile.Write(ref Work, (ulong)work);
        Interlocked.Exchange(ref Call, ((ulong)phase << 32) | (uint)items);
        for (var m = 1; m < Members; m++)
        {
            _members[m].AskAgain(from);
            if (!_members[m].LeftOut) _members[m].Wake();
        }

        var done = Take(0, 0, phase, items);
        for (var spins = 0; spins < (int)Patience && done + Reported(phase) < items; spins++) Pause();
        if (done + Reported(phase) < items)
        {
            done += Help(0, phase, items);
            // Who took nothing is not there: no use in patience with it.
            Patience = done == items ? 0UL : SpinsBeforeHelp;
            AwaitOthers(phase, items - done, from);
        }
        else
        {
            Patience = SpinsBeforeHelp;
        }
        if (_failure is not { } failure) return;
        _failure = null;
        ExceptionDispatchInfo.Throw(failure);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ended = true;
        foreach (var member in _members.Where(m => m.IsStarted)) member.Wake();
        foreach (var member in _members.Where(m => m.IsStarted)) member.Thread!.Join();
        // Only now: a member that works looks into the queues of all others, the caller's too.
        foreach (var member in _members) member.Dispose();
        _call.Dispose();
    }

    // Does items of one queue; returns how many.
    private int Take(int queue, int member, uint phase, int items)
    {
        var done = 0;
        while (!_members[member].LeftOut && _members[queue].Take(phase, items, out var first, out var end))
        {
            done += end - first;
            try
            {
                if (Volatile.Read(ref _failure) is null) _works[(int)Work](first, end, member);
            }
#pragma warning disable CA1031 // the caller throws the first failure when no member works any more
            catch (Exception e)
#pragma warning restore CA1031
            {
                Interlocked.CompareExchange(ref _failure, e, null);
            }
        }
        return done;
    }

    // Does items of the others' queues; returns how many.
    private int Help(int member, uint phase, int items)
    {
        var done = 0;
        for (var i = 1; i < Members; i++) done += Take((member + i) % Members, member, phase, items);
        return done;
    }

    private int Reported(uint phase)
    {
        var done = 0;
        for (var m = 1; m < Members; m++) done += _members[m].Reported(phase).Done;
        return done;
    }

    // All items are taken by now; the last ones are being worked on.
    private void AwaitOthers(uint phase, int items, long from)
    {
        var (worked, late) = (0L, false);
        for (var spins = 1; Reported(phase) < items; spins++)
        {
            Pause();
            if (spins % SpinsPerLook != 0) continue;
            var now = Stopwatch.GetTimestamp();
            if (worked == 0) worked = now - from;
            if (now - from < (2 * worked) + s_lateAfter) continue;
            late = true;
            for (var m = 1; m < Members; m++)
                if (_members[m] is { LeftOut: false } member && member.Reported(phase).Busy) member.LeaveOut();
            Thread.Yield(); // it may want this core
        }
        if (!late) return;
        var end = Stopwatch.GetTimestamp();
        foreach (var member in _members) member.Pause(end - from - worked, end);
    }

    private void Serve(int index)
    {
        var member = _members[index];
        for (var call = 0UL; AwaitCall(member, ref call);)
        {
            var (phase, items) = ((uint)(call >> 32), (int)call);
            member.Report(phase, 0, busy: true);
            var done = Take(index, index, phase, items);
            member.Report(phase, done, busy: false);
            for (var spins = 0; spins < SpinsBeforeHelp && Volatile.Read(ref Call) == call; spins++) Pause();
            if (Volatile.Read(ref Call) != call) continue;
            member.Report(phase, done, busy: true);
            done += Help(index, phase, items);
            member.Report(phase, done, busy: false);
        }
    }

    // Waits for a phase, awake at first; false at the end of the team.
    private bool AwaitCall(TeamMember member, ref ulong call)
    {
        var from = 0L;
        for (var spins = 1; !IsCalled(member, call); spins++)
        {
            Pause();
            if (spins % SpinsPerLook != 0) continue;
            if (spins % SpinsPerYield == 0) Thread.Yield(); // the caller may want this core
            var now = Stopwatch.GetTimestamp();
            if (from == 0) from = now;
            if (now - from < s_sleepAfter) continue;
            member.Announce();
            if (IsCalled(member, call)) member.Stay();
            else member.Sleep();
            from = 0;
        }
        call = Volatile.Read(ref Call);
        return !_ended;
    }

    private bool IsCalled(TeamMember member, ulong call) => _ended || (Volatile.Read(ref Call) != call && !member.LeftOut);

    private static void Pause()
    {
        if (X86Base.IsSupported) X86Base.Pause();
        else Thread.SpinWait(1);
    }
}
