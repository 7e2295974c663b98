using Crosshead.Generation.Cpu;

namespace Crosshead.Tests.Generation;

public sealed class ThreadTeamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)] // likely more than there are threads
    public void What_members_write_before_a_barrier_all_see_after_it(int members)
    {
        const int Phases = 200, Items = 7;
        var (written, wrong) = (new int[Items], 0);
        using var team = new ThreadTeam(member =>
        {
            for (var phase = 1; phase <= Phases; phase++)
            {
                var (first, end) = member.Share(Items);
                for (var i = first; i < end; i++) written[i]++;
                member.Barrier();
                for (var i = 0; i < Items; i++) if (written[i] != phase) Interlocked.Increment(ref wrong);
                member.Barrier();
            }
        }, members);
        team.Run();
        Assert.Equal(0, wrong);
        Assert.All(written, w => Assert.Equal(Phases, w));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_failure_of_one_member_releases_the_others_and_is_thrown(int members)
    {
        var fails = true;
        using var team = new ThreadTeam(member =>
        {
            if (fails && member.Index == 0) throw new InvalidOperationException("broken");
            member.Barrier();
        }, members);
        Assert.Equal("broken", Assert.Throws<InvalidOperationException>(team.Run).Message);
        fails = false;
        team.Run();
    }
}
