using System.Diagnostics;
using System.Runtime.Intrinsics.X86;
using Crosshead.Runtime;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Threads that go through the same phases together; the caller is one of them. A token has dozens of phases of a few
/// microseconds each. The team has no leader. A member that sees all items of a phase done begins the next phase. A
/// message from one core to another would take as long as a tenth of a phase. Each member has a share of the items,
/// which it takes piece by piece. A member whose own share is all taken takes pieces of the others. So nobody waits for
/// an absent member, and for a slow one no longer than a piece takes.
/// </summary>
internal sealed unsafe class ThreadTeam : IDisposable
{
    private const int SpinsPerLook = 64, SpinsPerYield = 256;

    // Spins before a member takes pieces of others. A present member has likely begun its share by then.
    private const int SpinsBeforeHelp = 64;

    // A member that waits 200 µs for a run goes to sleep.
    private static readonly long s_sleepAfter = Stopwatch.Frequency / 5_000;

    private readonly TeamMember[] _members;
    private readonly TeamPhase[] _phases;
    private readonly int[] _pieces; // [phase] of each share, in the current run
    private readonly NativeBuffer<ulong> _call = new(8); // alone on its cache line
    private readonly FirstFailure _failure = new();
    private int _patience = SpinsBeforeHelp; // of the caller, who meets absent members again and again
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
        _pieces = new int[phases.Length];
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
            var first = (uint)Call + (uint)_phases.Length;
            for (var p = 0; p < _pieces.Length; p++) _pieces[p] = _phases[p].Pieces?.Invoke() ?? 1;
            Interlocked.Exchange(ref Call, first);
            foreach (var member in _members.AsSpan(1)) member.Wake();
            GoThrough(0, first);
        }
        _failure.Throw();
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
        for (var number = first; number - first < _phases.Length;)
            number = _pieces[number - first] == 0 ? number + 1 : GoThrough(index, number, first);
    }

    // A member's part in a phase, until it is over. Returns the number of the next phase, or of a later phase that
    // others have reached.
    private uint GoThrough(int index, uint number, uint first)
    {
        var phase = _phases[number - first];
        var pieces = _pieces[number - first];
        var (prepared, patience) = (false, index == 0 ? _patience : SpinsBeforeHelp);
        var done = Take(index, index, phase, number, pieces, ref prepared);
        _members[index].Report(number, done);
        uint next;
        for (var spins = 0; !IsOver(number, Members * pieces, out next); spins++)
        {
            if (spins != patience)
            {
                if (!ReadsAhead(index, number, first)) Pause();
                if (spins % SpinsPerYield == SpinsPerYield - 1) Thread.Yield(); // who is late may want this core
                continue;
            }
            var own = done;
            for (var i = 1; i < Members; i++)
                done += Take((index + i) % Members, index, phase, number, pieces, ref prepared);
            if (done > own) _members[index].Report(number, done);
            // If the caller did all pieces, the others are absent. It then helps without waiting in the next phase.
            if (index == 0) _patience = done == Members * pieces ? 0 : SpinsBeforeHelp;
        }
        return next;
    }

    // Reads some of what a member multiplies in the next phase with weights. Returns false if there is nothing to read.
    private bool ReadsAhead(int index, uint number, uint first)
    {
        var ahead = _members[index].Ahead;
        // The number of pieces is read once: others may begin the next run meanwhile.
        var (next, pieces) = ((int)(number - first) + 1, 0);
        while (next < _phases.Length && (_phases[next].Reads is null || (pieces = _pieces[next]) == 0)) next++;
        if (next == _phases.Length) return false;
        if (!ahead.IsFor(first + (uint)next))
        {
            var (items, piece, all) = ((long)_phases[next].Items(), index * pieces, Members * pieces);
            ahead.Begin(first + (uint)next,
                _phases[next].Reads!((int)(items * piece / all), (int)(items * (piece + 1) / all)));
        }
        return ahead.Read();
    }

    // Does the pieces of a share that nobody has taken, and returns their number.
    private int Take(int share, int index, TeamPhase phase, uint number, int pieces, ref bool prepared)
    {
        var (done, all) = (0, Members * pieces);
        for (int piece; (piece = _members[share].Take(number, pieces)) >= 0; done++)
        {
            piece += share * pieces;
            // The phase cannot end before this piece is done. So the number of items is certain only from here on.
            var items = (long)phase.Items();
            Do(phase, (int)(items * piece / all), (int)(items * (piece + 1) / all), index, ref prepared);
        }
        return done;
    }

    private void Do(TeamPhase phase, int first, int end, int member, ref bool prepared)
    {
        if (first == end || _failure.IsKept) return;
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
            _failure.Keep(e);
        }
    }

    // Whether all pieces of a phase are done, and the number of the phase that follows. A member in a later phase has
    // seen the end of this phase.
    private bool IsOver(uint number, int pieces, out uint next)
    {
        var done = 0;
        next = number + 1;
        foreach (var member in _members)
        {
            var reported = member.Reported;
            if (reported.Phase == number) done += reported.Done;
            else if ((int)(reported.Phase - next) >= 0) (next, done) = (reported.Phase, pieces);
        }
        return done >= pieces;
    }

    private void Serve(int index)
    {
        var call = ulong.MaxValue; // it starts with a run
        while (AwaitCall(_members[index], ref call)) GoThrough(index, (uint)call);
    }

    // Waits for a run, first awake and then asleep. Returns false at the end of the team.
    private bool AwaitCall(TeamMember member, ref ulong call)
    {
        var from = 0L;
        for (var spins = 1; !IsCalled(call); spins++)
        {
            Pause();
            if (spins % SpinsPerLook != 0) continue;
            if (spins % SpinsPerYield == 0) Thread.Yield(); // the caller may want this core
            var now = Stopwatch.GetTimestamp();
            if (from == 0) from = now;
            if (now - from < s_sleepAfter) continue;
            member.Announce();
            if (IsCalled(call)) member.Stay();
            else member.Sleep();
            from = 0;
        }
        call = Volatile.Read(ref Call);
        return !_ended;
    }

    private bool IsCalled(ulong call) => _ended || Volatile.Read(ref Call) != call;

    private static void Pause()
    {
        if (X86Base.IsSupported) X86Base.Pause();
        else Thread.SpinWait(1);
    }
}
