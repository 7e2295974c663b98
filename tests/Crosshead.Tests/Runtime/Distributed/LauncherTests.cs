using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;

namespace Crosshead.Tests.Runtime.Distributed;

public sealed class LauncherTests
{
    [Theory]
    [InlineData("OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_LOCAL_RANK=1", 3, 4, 1)]
    [InlineData("PMI_SIZE=2 PMI_RANK=1 MPI_LOCALRANKID=0", 1, 2, 0)]
    [InlineData("SLURM_STEP_NUM_TASKS=8 SLURM_PROCID=5 SLURM_LOCALID=2 SLURM_NTASKS=8", 5, 8, 2)]
    public void The_variables_of_launchers_are_read(string environment, int rank, int ranks, int local)
    {
        var launcher = Find(environment)!;
        Assert.Equal((rank, ranks, local), (launcher.Rank, launcher.Ranks, launcher.LocalRank));
    }

    [Theory]
    [InlineData("")]
    [InlineData("OMPI_COMM_WORLD_SIZE=1 OMPI_COMM_WORLD_RANK=0")]
    [InlineData("SLURM_NTASKS=8 SLURM_PROCID=0")] // a batch script
    [InlineData("PMI_SIZE=x PMI_RANK=1")]
    public void A_process_of_its_own_has_no_launcher(string environment) => Assert.Null(Find(environment));

    [Fact]
    public void Ranks_of_a_host_divide_its_cores()
    {
        Assert.Equal(4, new ProcessorLimits(8, null).Share(ranks: 2, sameCores: 2).Cores);
        Assert.Equal(8, new ProcessorLimits(8, null).Share(ranks: 2, sameCores: 1).Cores); // bound to cores of its own
        Assert.Equal(2, new ProcessorLimits(8, 3.0).Share(ranks: 2, sameCores: 2).Cores); // 1.5, rounded up
        Assert.Equal(1, new ProcessorLimits(2, null).Share(ranks: 3, sameCores: 3).Cores);
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("2.5", 2.5)]
    public void The_watchdog_reads_its_seconds(string text, double? seconds) =>
        Assert.Equal(seconds, Watchdog.Seconds(_ => text));

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("1e9")]
    [InlineData("soon")]
    public void The_watchdog_refuses_other_words(string text) =>
        Assert.Contains($"(\"{text}\") must be a number of seconds",
            Assert.Throws<CrossheadException>(() => Watchdog.Seconds(_ => text)).Message);

    [Fact]
    public void Ranks_end_as_the_first_that_failed_by_itself()
    {
        Assert.Equal(new RankEnding(0), RankEnding.Of([new(0), new(0)]));
        Assert.Equal(new RankEnding(130), RankEnding.Of([new(0), new(130)]));
        Assert.Equal(new RankEnding(2, "rank 1 of 3: no."), RankEnding.Of([new(2, "seen", Followed: true),
            new(2, "no."), new(130)]));
        Assert.Equal(new RankEnding(2, "no."), RankEnding.Of([new(2, "no."), new(2, "no.")]));
    }

    [Fact]
    public void All_ranks_name_the_first_value_that_differs()
    {
        var messages = ThreadCommunicator.Run(3, communicator =>
            Assert.Throws<CrossheadException>(() => communicator.RequireSame(("the recipe", "a"),
                ("the data", communicator.Rank == 2 ? "c" : "b"), ("threads", $"{communicator.Rank}"))).Message);
        Assert.All(messages, m => Assert.StartsWith("the data differs: b on rank 0, c on rank 2;", m));
    }

    private static Launcher? Find(string environment)
    {
        var variables = environment.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(v => v.Split('='))
            .ToDictionary(v => v[0], v => v[1]);
        return Launcher.Find(variables.GetValueOrDefault);
    }
}
