using System.Diagnostics;
using Crosshead.Decoding.Cpu;

namespace Crosshead.Tests.Decoding.Cpu;

public sealed class ThreadTeamTests
{
    private const int Items = 24;
    // of tests that wait for what a loaded machine does late
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(9)] // likely more than there are cores
    public void Every_item_of_a_phase_is_done_once_and_seen_by_all_in_the_next(int members)
    {
        const int Phases = 20, Runs = 200, MostPieces = 7;
        var (written, wrong, before, few) = (new int[Items], 0, 0, 0);
        var fewer = 0; // items of the fifth phase of a run: too few to share
        var phases = Enumerable.Range(1, Phases)
            .Select(p => p == 5 ? new TeamPhase(() => fewer, Few) : new TeamPhase(() => Items, (first, end, _) =>
            {
                for (var i = first; i < end; i++)
                {
                    // What any member wrote in the phase before.
                    var seen = Volatile.Read(ref written[(i + 7) % Items]);
                    var now = before + (p > 5 ? p - 1 : p);
                    if (seen != now && seen != now - 1) Interlocked.Increment(ref wrong);
                    written[i]++;
                }
            }, Pieces: () => 1 + ((p + before) % MostPieces)));
        using var team = new ThreadTeam(members, [.. phases]);
        for (var run = 1; run <= Runs; run++)
        {
            fewer = run % 3;
            var expected = few + fewer;
            team.Run();
            Assert.Equal(expected, few);
            before += Phases - 1;
            Assert.All(written, w => Assert.Equal(before, w));
        }
        Assert.Equal(0, wrong);

        void Few(int first, int end, int member) => Interlocked.Add(ref few, end - first);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_member_prepares_for_itself_once_before_its_first_item_of_a_phase(int members)
    {
        var (prepared, unprepared, items) = (new int[members], 0, 0);
        using var team = new ThreadTeam(members,
        [
            new TeamPhase(() => items, (_, _, member) => Check(member, 1), member => prepared[member]++),
            new TeamPhase(() => Items, (_, _, member) => prepared[member] = 0),
        ]);
        for (var run = 1; run <= 500; run++)
        {
            Array.Clear(prepared);
            items = 1 + (run % Items); // often fewer than members, so that some have no share and help at once
            team.Run();
        }
        Assert.Equal(0, unprepared);

        void Check(int member, int times)
        {
            if (prepared[member] != times) Interlocked.Increment(ref unprepared);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_phase_without_pieces_is_left_out(int members)
    {
        var (few, written, wrong) = (false, new int[Items], 0);
        TeamPhase Phase(bool leaves) => new(() => leaves && few ? 0 : Items, (first, end, _) =>
        {
            for (var i = first; i < end; i++)
            {
                // Another item is done in the same phases, and at most one behind or ahead.
                if (Math.Abs(Volatile.Read(ref written[(i + 7) % Items]) - written[i]) > 1)
                    Interlocked.Increment(ref wrong);
                written[i]++;
            }
        }, Pieces: () => leaves && few ? 0 : 3);
        using var team = new ThreadTeam(members, [Phase(true), Phase(false), Phase(true), Phase(false)]);
        for (var run = 1; run <= 500; run++)
        {
            few = run % 3 > 0;
            var expected = written[0] + (few ? 2 : 4);
            team.Run();
            Assert.All(written, w => Assert.Equal(expected, w));
        }
        Assert.Equal(0, wrong);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_failure_of_a_member_is_thrown_and_the_team_goes_on(int members)
    {
        var (done, broken, after) = (0, false, 0);
        using var team = new ThreadTeam(members,
        [
            new TeamPhase(() => Items, (first, end, _) =>
            {
                if (broken) throw new InvalidOperationException("broken");
                Interlocked.Add(ref done, end - first);
            }),
            new TeamPhase(() => Items, (first, end, _) => Interlocked.Add(ref after, end - first)),
        ]);
        for (var round = 1; round <= 100; round++)
        {
            broken = true;
            Assert.Equal("broken", Assert.Throws<InvalidOperationException>(team.Run).Message);
            Assert.Equal((round - 1) * Items, after); // what follows a failure is left undone
            broken = false;
            team.Run();
            Assert.Equal((round * Items, round * Items), (done, after));
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void A_team_ends_while_its_members_look_for_more_items(int members)
    {
        var done = 0;
        var phase = new TeamPhase(() => Items, (first, end, _) => Interlocked.Add(ref done, end - first));
        for (var round = 1; round <= 500; round++)
        {
            using (var team = new ThreadTeam(members, [.. Enumerable.Repeat(phase, 20)])) team.Run();
            Assert.Equal(round * 20 * Items, done);
        }
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(2, 4)]
    [InlineData(3, 5)]
    [InlineData(3, 40)] // more pieces than items
    public void Pieces_of_a_member_that_is_late_are_done_by_the_others(int members, int pieces)
    {
        var clock = Stopwatch.StartNew();
        var (done, late, times) = (0, 0, new int[Items]);
        using var team = new ThreadTeam(members,
        [
            new TeamPhase(() => Items, (first, end, member) =>
            {
                // As if another program ran on the core of one member, within its first piece.
                if (end > first && Interlocked.CompareExchange(ref late, 1, 0) == 0)
                    while (Volatile.Read(ref done) < Items + first - end && clock.Elapsed < s_patience) Thread.Yield();
                for (var i = first; i < end; i++) Interlocked.Increment(ref times[i]);
                Interlocked.Add(ref done, end - first);
            }, Pieces: () => pieces),
            new TeamPhase(() => Items, (first, end, member) => Interlocked.Add(ref done, first - end)),
        ]);
        for (var run = 1; run <= 50; run++)
        {
            late = 0;
            team.Run();
            Assert.Equal(0, done);
            Assert.All(times, t => Assert.Equal(run, t));
        }
        Assert.True(clock.Elapsed < s_patience);
    }

    [Theory]
    [InlineData(2, 1, 0, 12)]
    [InlineData(2, 3, 0, 4)]
    [InlineData(3, 2, 0, 4)]
    public unsafe void Who_waits_reads_what_its_next_share_of_weights_begins_with(int members, int pieces, int first,
        int end)
    {
        var clock = Stopwatch.StartNew();
        using var weights = new NativeBuffer<byte>(Items * 64);
        var (begun, asked) = (0, new System.Collections.Concurrent.ConcurrentBag<(int, int)>());
        using var team = new ThreadTeam(members,
        [
            new TeamPhase(() => members, (_, _, _) =>
            {
                // Whoever comes last waits for another who has nothing to do but to read.
                if (Interlocked.Increment(ref begun) == members)
                    while (asked.IsEmpty && clock.Elapsed < s_patience) Thread.Yield();
            }),
            new TeamPhase(() => Items, (_, _, _) => { }), // reads no weights
            new TeamPhase(() => Items, (_, _, _) => { }, Pieces: () => 0,
                Reads: (_, _) => throw new InvalidOperationException("left out")),
            new TeamPhase(() => Items, (_, _, _) => { }, Pieces: () => pieces, Reads: (from, to) =>
            {
                asked.Add((from, to));
                return new WeightStreams((nint)(weights.Pointer + (from * 64)), (to - from) * 64);
            }),
        ]);
        team.Run();
        Assert.True(clock.Elapsed < s_patience);
        var share = Items / members;
        Assert.All(asked, items => Assert.Contains(items,
            Enumerable.Range(0, members).Select(m => ((m * share) + first, (m * share) + end))));
    }

    [Fact]
    public void A_team_without_work_sleeps_and_wakes_again()
    {
        const string Name = "idle team test";
        var (done, clock) = (0, Stopwatch.StartNew());
        using var team = new ThreadTeam(2,
            [new TeamPhase(() => Items, (first, end, _) => Interlocked.Add(ref done, end - first))], Name);
        for (var round = 1; round <= 3; round++)
        {
            team.Run();
            Assert.Equal(round * Items, done);
            var (state, before) = (' ', -1L);
            // Between two looks the thread has had no time on a processor.
            while (clock.Elapsed < s_patience)
            {
                (state, var time) = ThreadOf(Name);
                if (state == 'S' && time == before) break;
                before = time;
                Thread.Sleep(20);
            }
            Assert.Equal('S', state);
            Assert.Equal(before, ThreadOf(Name).Nanoseconds);
        }
    }

    private static (char State, long Nanoseconds) ThreadOf(string name)
    {
        foreach (var task in Directory.GetDirectories("/proc/self/task"))
        {
            if (!File.Exists($"{task}/comm") || File.ReadAllText($"{task}/comm").Trim() != name) continue;
            var status = File.ReadAllText($"{task}/stat");
            return (status[status.LastIndexOf(')') + 2],
                long.Parse(File.ReadAllText($"{task}/schedstat").Split(' ')[0]));
        }
        return ('S', 0); // not started yet
    }
}
