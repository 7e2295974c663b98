using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.Intrinsics.X86;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Threads that go through the same phases together; the caller is one of them. A token has dozens of phases of a few
/// microseconds each. The team has no leader. A member that sees all items of a phase done begins the next phase. A
/// message from one core to another would take as long as a tenth of a phase. A member that has done its own share also
/// does shares that nobody has begun. So nobody waits for an absent member. Members wait only for a member that lost
/// its core during its work. Such a member is left out of the next phases and asked again later.
/// </summary>
internal sealed unsafe class ThreadTeam : IDisposable
{
    private const int SpinsPerLook = 64, SpinsPerYield = 256;

    // Spins before a member takes the shares of others. A present member has likely begun its share by then.
    private const int SpinsBeforeHelp = 64;

    // A member that waits 200 µs for a run goes to sleep. A member is late if a phase takes twice the time of the
    // caller's work and 100 µs more.
    private static readonly long s_sleepAfter = Stopwatch.Frequency / 5_000, s_lateAfter = Stopwatch.Frequency / 10_000;

    private readonly TeamMember[] _members;
    private readonly TeamPhase[] _phases;
    private readonly NativeBuffer<ulong> _call = new(8); // alone on its cache line
    private int _patience = SpinsBeforeHelp; // of the caller, who meets absent members again and again
    private Exception? _failure;
    private volatile bool _ended;

    /// <summary>
    /// Creates a team. The caller is member 0; the threads of the other members start with the first run.
    /// </summary>
    /// <param name="members">Number of members, including the caller.</param>
    /// <param name="phases">The phases of a run, in order.</param>
    /// <param name="name">Name of the threads.</param>
    public ThreadTeam(int members, TeamPhase[] phases, string name = "crosshead")
    {
        _phases = phases;
        Call = (uint)(1 - phases.Length);
        _members = [.. Enumerable.Range(0, members).Select(m =>
            new TeamMember
            {
                Thread = m == 0 ? null : new Thread(() => Serve(m)) { IsBackground = true, Name = name },
            })];
    }

    /// <summary>Number of members, including the caller.</summary>
    public int Members => _members.Length;

    // Number of the first phase of the newest run. Numbers continue from run to run; the very first phase has number 1.
    private ref ulong Call => ref _call.Pointer[0];

    /// <summary>Whether a member was late and has not been asked again since then.</summary>
    public bool IsLeftOut(int member) => _members[member].LeftOut;

    /// <summary>
    /// Does all phases. All members see the results of a phase in the next phase. The caller sees them after the run.
    /// </summary>
    /// <exception cref="Exception">The first exception that the work threw. Items not begun by then are not
    /// done.</exception>
    public void Run()
    {
        if (Members == 1)
        {
            foreach (var phase in _phases)
            {
                var prepared = false;
                Do(phase, 0, phase.Items(), 0, ref prepared);
            }
        }
        else
        {
            var (now, first) = (Stopwatch.GetTimestamp(), (uint)Call + (uint)_phases.Length);
            Interlocked.Exchange(ref Call, first);
            foreach (var member in _members.AsSpan(1))
            {
                member.AskAgain(now);
                if (!member.LeftOut) member.Wake();
            }
            GoThrough(0, first);
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
        // Only after all threads have ended: a working member reads the words of all members, including the caller.
        foreach (var member in _members) member.Dispose();
        _call.Dispose();
    }

    // A member's part in a run.
    private void GoThrough(int index, uint first)
    {
        var member = _members[index];
        for (var number = first; number - first < _phases.Length && !member.LeftOut;)
        {
            var from = index == 0 ? Stopwatch.GetTimestamp() : 0;
            var phase = _phases[number - first];
            var prepared = false;
            var done = Take(index, phase, number, index, ref prepared);
            member.Report(number, done);
            number = Await(index, phase, number, done, from, ref prepared);
        }
    }

    // Waits for the end of a phase and helps. Returns the number of the next phase, or of a later phase that others
    // have reached.
    private uint Await(int index, TeamPhase phase, uint number, int done, long from, ref bool prepared)
    {
        var (worked, late, patience) = (0L, false, index == 0 ? _patience : SpinsBeforeHelp);
        uint next;
        for (var spins = 0; !IsOver(number, out next); spins++)
        {
            if (spins == patience)
            {
                var helped = 0;
                for (var i = 1; i < Members; i++)
                    helped += Take((index + i) % Members, phase, number, index, ref prepared);
                if (helped > 0) _members[index].Report(number, done + helped);
                // If the caller did all shares, the others are absent. It then helps without waiting in the next phase.
                if (index == 0) _patience = done + helped == Members ? 0 : SpinsBeforeHelp;
                continue;
            }
            Pause();
            if (spins % SpinsPerYield == SpinsPerYield - 1) Thread.Yield(); // who is waited for may want this core
            if (index > 0 || spins % SpinsPerLook != SpinsPerLook - 1) continue;
            var now = Stopwatch.GetTimestamp();
            if (worked == 0) worked = now - from;
            if (now - from < (2 * worked) + s_lateAfter) continue;
            late = true;
            for (var m = 1; m < Members; m++)
                if (!_members[m].LeftOut && IsBusy(m, number)) _members[m].LeaveOut();
        }
        if (late)
        {
            var end = Stopwatch.GetTimestamp();
            foreach (var member in _members) member.Pause(end - from - worked, end);
        }
        return next;
    }

    // Does the share of a member if nobody has begun it. Returns 1 if so, otherwise 0.
    private int Take(int share, TeamPhase phase, uint number, int member, ref bool prepared)
    {
        if (!_members[share].Take(number, member)) return 0;
        // The phase cannot end before this share is done. So the number of items is certain only from here on.
        var items = phase.Items();
        Do(phase, (int)((long)items * share / Members), (int)((long)items * (share + 1) / Members),
            member, ref prepared);
        return 1;
    }

    private void Do(TeamPhase phase, int first, int end, int member, ref bool prepared)
    {
        if (first == end || Volatile.Read(ref _failure) is not null) return;
        try
        {
            if (!prepared) phase.Prepare?.Invoke(member);
            prepared = true;
            phase.Work(first, end, member);
        }
#pragma warning disable CA1031 // the caller throws the first failure when no member works any more
        catch (Exception e)
#pragma warning restore CA1031
        {
            Interlocked.CompareExchange(ref _failure, e, null);
        }
    }

    // Whether all shares of a phase are done, and the number of the phase that follows. A member in a later phase has
    // seen the end of this phase.
    private bool IsOver(uint number, out uint next)
    {
        var done = 0;
        next = number + 1;
        foreach (var member in _members)
        {
            var reported = member.Reported;
            if (reported.Phase == number) done += reported.Done;
            else if ((int)(reported.Phase - next) >= 0) (next, done) = (reported.Phase, Members);
        }
        return done >= Members;
    }

    // Whether a member has taken shares of a phase and not yet reported them.
    private bool IsBusy(int index, uint number) =>
        _members.Count(m => m.IsTaken(number, index)) > (
        _members[index].Reported is var reported && reported.Phase == number ? reported.Done : 0);

    private void Serve(int index)
    {
        var call = ulong.MaxValue; // it starts with a run
        while (AwaitCall(_members[index], ref call)) GoThrough(index, (uint)call);
    }

    // Waits for a run, first awake and then asleep. Returns false at the end of the team.
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

    private bool IsCalled(TeamMember member, ulong call) =>
        _ended || (Volatile.Read(ref Call) != call && !member.LeftOut);

    private static void Pause()
    {
        if (X86Base.IsSupported) X86Base.Pause();
        else Thread.SpinWait(1);
    }
}
