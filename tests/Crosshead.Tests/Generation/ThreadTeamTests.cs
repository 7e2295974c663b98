using System.Diagnostics;
using Crosshead.Generation.Cpu;

namespace Crosshead.Tests.Generation;

public sealed class ThreadTeamTests
{
    private const int Items = 24;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60); // of tests that wait for what a loaded machine does late

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(9)] // likely more than there are cores
    public void Every_item_of_a_phase_is_done_once_and_seen_by_all_in_the_next(int members)
    {
        const int Phases = 2000;
        var (written, phase, wrong) = (new int[Items], 0, 0);
        using var team = new ThreadTeam(members,
        [
            (first, end, _) =>
            {
                for (var i = first; i < end; i++)
                {
                    // What any member wrote in the phase before.
                    if (Volatile.Read(ref written[(i + 7) % Items]) is var seen && seen != phase && seen != phase - 1) Interlocked.Increment(ref wrong);
                    written[i]++;
                }
            },
        ]);
        for (phase = 1; phase <= Phases; phase++)
        {
            var items = phase % 5 == 0 ? 1 : Items; // a phase too small to share
            team.For(items, 0);
            for (var i = items; i < Items; i++) written[i]++;
            Assert.All(written, w => Assert.Equal(phase, w));
        }
        Assert.Equal(0, wrong);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_failure_of_a_member_is_thrown_and_the_team_goes_on(int members)
    {
        var done = 0;
        using var team = new ThreadTeam(members,
        [
            (first, _, member) => throw new InvalidOperationException("broken"),
            (first, end, _) => Interlocked.Add(ref done, end - first),
        ]);
        for (var round = 1; round <= 100; round++)
        {
            Assert.Equal("broken", Assert.Throws<InvalidOperationException>(() => team.For(Items, 0)).Message);
            team.For(Items, 1);
            Assert.Equal(round * Items, done);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void A_team_ends_while_its_members_look_for_more_items(int members)
    {
        var done = 0;
        for (var round = 1; round <= 500; round++)
        {
            using (var team = new ThreadTeam(members, [(first, end, _) => Interlocked.Add(ref done, end - first)]))
                for (var phase = 0; phase < 20; phase++) team.For(Items, 0);
            Assert.Equal(round * 20 * Items, done);
        }
    }

    [Fact]
    public void A_member_that_loses_its_core_amid_an_item_is_left_out_and_asked_again()
    {
        var clock = Stopwatch.StartNew();
        var (entered, others) = (false, 0);
        ThreadTeam? team = null;
        using (team = new ThreadTeam(2,
        [
            (_, _, member) =>
            {
                if (member == 0) Wait(() => Volatile.Read(ref entered));
                else if (!entered)
                {
                    Volatile.Write(ref entered, true);
                    Wait(() => team!.IsLeftOut(1)); // as if another program ran on its core until then
                    Thread.Sleep(50);
                }
            },
            (first, end, member) => Interlocked.Add(ref others, member == 0 ? 0 : end - first),
        ]))
        {
            team.For(Items, 0);
            Assert.True(entered);
            Assert.True(clock.Elapsed < s_patience);
            team.For(Items, 1);
            if (team.IsLeftOut(1)) Assert.Equal(0, others); // unless this thread slept for longer than the member is left out
            while (Volatile.Read(ref others) == 0 && clock.Elapsed < s_patience) team.For(Items, 1);
            Assert.NotEqual(0, others);
            Assert.False(team.IsLeftOut(1));
        }

        void Wait(Func<bool> until)
        {
            while (!until() && clock.Elapsed < s_patience) Thread.Yield();
        }
    }

    [Fact]
    public void A_team_without_work_sleeps_and_wakes_again()
    {
        const string Name = "idle team test";
        var (done, clock) = (0, Stopwatch.StartNew());
        using var team = new ThreadTeam(2, [(first, end, _) => Interlocked.Add(ref done, end - first)], Name);
        for (var round = 1; round <= 3; round++)
        {
            team.For(Items, 0);
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
            return (status[status.LastIndexOf(')') + 2], long.Parse(File.ReadAllText($"{task}/schedstat").Split(' ')[0]));
        }
        return ('S', 0); // not started yet
    }
}
