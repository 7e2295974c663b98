using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;

namespace Crosshead.Tests.Runtime.Distributed;

/// <summary>
/// Runs of several processes. What happens to one of them, all must tell in one line and end with the same code.
/// </summary>
public sealed class MpiTests
{
    [Theory]
    [InlineData(MpiFlavor.OpenMpi)]
    [InlineData(MpiFlavor.Mpich)]
    [InlineData(MpiFlavor.None)]
    public void Ranks_exchange_bytes_of_all_lengths(MpiFlavor flavor)
    {
        var run = MpiRun.Scenario(flavor, 3, "exchange");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Matches(@"^((Open MPI|MPICH) \d+\.\d[\d.]*|sockets): \(0, 3\) \(1, 3\) \(2, 3\)\s*$", run.Out);
    }

    [Theory]
    [InlineData(MpiFlavor.OpenMpi, "fail", "rank 1 of 3: the disk is full.")]
    [InlineData(MpiFlavor.Mpich, "fail", "rank 1 of 3: the disk is full.")]
    [InlineData(MpiFlavor.None, "fail", "rank 1 of 3: the disk is full.")]
    [InlineData(MpiFlavor.None, "fail-alike", "the loss is not finite.")]
    [InlineData(MpiFlavor.None, "fail-deaf", "rank 1 of 3: the disk is full.")]
    [InlineData(MpiFlavor.OpenMpi, "fail-alike", "the loss is not finite.")]
    [InlineData(MpiFlavor.OpenMpi, "fail-deaf", "rank 1 of 3: the disk is full.")]
    [InlineData(MpiFlavor.Mpich, "differ", "the data differs: 77b0 on rank 0, 41aa on rank 1; start all ranks with the "
        + "same program, arguments, data and threads.")]
    public void A_failure_of_a_rank_ends_all_with_its_one_line(MpiFlavor flavor, string scenario, string line)
    {
        var run = MpiRun.Scenario(flavor, 3, scenario);
        Assert.Equal(2, run.ExitCode);
        Assert.Single(run.Lines, l => l == line);
        Assert.DoesNotContain(run.Lines, l => l != line && l.StartsWith("rank ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(MpiFlavor.OpenMpi)]
    [InlineData(MpiFlavor.Mpich)]
    [InlineData(MpiFlavor.None)]
    public void Ranks_go_on_as_long_as_they_have_what_a_failed_one_had_to_send(MpiFlavor flavor)
    {
        var run = MpiRun.Scenario(flavor, 3, "fail-beside");
        Assert.Equal(2, run.ExitCode);
        Assert.Equal("gathered", run.Out.Trim());
        Assert.Single(run.Lines, l => l == "rank 1 of 3: the disk is full.");
    }

    [Theory]
    [InlineData(MpiFlavor.OpenMpi)]
    [InlineData(MpiFlavor.Mpich)]
    [InlineData(MpiFlavor.None)]
    public void A_rank_that_hangs_ends_the_run_and_is_named(MpiFlavor flavor)
    {
        var run = MpiRun.Scenario(flavor, 3, "stop", (Watchdog.Variable, "4.5"));
        Assert.Equal(3, run.ExitCode);
        Assert.Matches(@"^rank 0 of 3: waited 4\.5 s for rank 1 in all-gather \d+ \(step 2\); the run ends\. "
            + @"Resume it from its last checkpoint\.$", Assert.Single(run.Lines, l => l.Contains("waited")));
    }

    [Theory]
    [InlineData(MpiFlavor.OpenMpi)]
    [InlineData(MpiFlavor.Mpich)]
    [InlineData(MpiFlavor.None)]
    public void A_rank_that_dies_ends_the_run(MpiFlavor flavor)
    {
        var run = MpiRun.Scenario(flavor, 3, "die");
        Assert.NotEqual(0, run.ExitCode);
        if (flavor == MpiFlavor.OpenMpi) Assert.Single(run.Lines, l => l.Contains("when a rank has died"));
        if (flavor == MpiFlavor.None)
            Assert.Equal("rank 1 of 3 was ended by signal 9, and the run with it; resume it from its last checkpoint.",
                Assert.Single(run.Lines));
    }

    [Theory]
    [InlineData(MpiFlavor.OpenMpi)]
    [InlineData(MpiFlavor.None)]
    public void Different_lengths_are_an_error_and_not_wrong_numbers(MpiFlavor flavor)
    {
        var run = MpiRun.Scenario(flavor, 2, "mismatch");
        Assert.Equal(2, run.ExitCode);
        Assert.Single(run.Lines, l => l.StartsWith("rank 1 of 2: ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_library_of_another_launcher_is_refused()
    {
        var run = MpiRun.Scenario(MpiFlavor.Mpich, 2, "exchange", (MpiLibrary.Variable, "libmpi.so.40"));
        Assert.Equal(2, run.ExitCode);
        Assert.Matches("^mpiexec of MPICH started 2 ranks, but Open MPI .* knows of 1: .*", Assert.Single(run.Lines,
            l => l.Contains("started 2 ranks")));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Ranks_that_the_program_starts_have_processors_of_their_own(int ranks)
    {
        var shares = ProcessorShares.Of(ranks)
            ?? [.. Enumerable.Repeat(ProcessorLimits.Allowed()!.ToArray(), ranks)]; // too few for so many
        var run = MpiRun.Scenario(MpiFlavor.None, ranks, "processors");
        Assert.Equal(string.Join('|', shares.Select(s => string.Join(',', s.Order()))), run.Out.Trim());
    }

    [Fact]
    public void Ranks_with_other_numbers_of_threads_are_refused()
    {
        var run = MpiRun.Of(MpiRun.Installed(), [MpiRun.ScenarioPart(1, "threads"),
            MpiRun.ScenarioPart(1, "threads", (ComputeThreads.Variable, "2"))]);
        Assert.Equal(2, run.ExitCode);
        // The rank is named if the other one heard of its end before it had compared the numbers itself.
        Assert.Single(run.Lines, l => l.Contains("the number of threads differs: 1 on rank 0, 2 on rank 1;",
            StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(MpiFlavor.OpenMpi)]
    [InlineData(MpiFlavor.Mpich)]
    [InlineData(MpiFlavor.None)]
    [InlineData(MpiFlavor.None, "INT")]
    [InlineData(MpiFlavor.None, "TERM")]
    [InlineData(MpiFlavor.None, "TERM", 2)]
    public void A_signal_to_the_launcher_stops_all_ranks_in_order(MpiFlavor flavor, string signal = "USR1",
        int times = 1)
    {
        if (signal == "INT") Cli.ProgramTests.RequireHeard(signal);
        using var process = MpiRun.Start(flavor, [MpiRun.ScenarioPart(2, "wait")]);
        var word = new char["waiting".Length];
        Assert.Equal(word.Length, process.StandardOutput.ReadBlock(word));
        Cli.ProgramTests.Signal(process, signal, times);
        var run = MpiRun.Finish(process);
        // MPICH's launcher now and then returns 0, whatever its ranks returned.
        Assert.True(run.ExitCode == 130 || (flavor == MpiFlavor.Mpich && run.ExitCode == 0),
            $"{run.ExitCode}: {run.Out}{run.Error}");
        // A terminal's Ctrl-C reaches the ranks too, and rank 0 would say it.
        if (signal != "INT")
            Assert.Single(run.Lines, l => l.StartsWith("stopping after this step", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_scheduler_s_second_signal_is_none_and_another_one_ends_the_ranks_at_once()
    {
        using var folder = new TemporaryFolder();
        using var process = MpiRun.Start(MpiFlavor.None, [MpiRun.CrossheadPart(2, "train",
            Cli.TinyRecipe.In(folder, steps: 9), "--out", folder.File("run"), "--set",
            "training.gradientAccumulation=1000000")]); // hours for a step
        while (!process.HasExited && !Directory.Exists(folder.File("run")))
            await Task.Delay(20, TestContext.Current.CancellationToken);
        foreach (var signal in new[] { "USR1", "USR1", "TERM" })
        {
            await Task.Delay(2 * Crosshead.Cli.Terminal.SignalEchoes.Delay, TestContext.Current.CancellationToken);
            Cli.ProgramTests.Signal(process, signal);
        }
        var run = MpiRun.Finish(process);
        Assert.Equal(130, run.ExitCode);
        Assert.Equal(["stopping after this step; once more to stop at once."], run.Lines);
    }

    // What a launcher does when it is killed itself.
    [Fact]
    public void Ranks_stop_in_order_and_leave_nothing_when_the_program_that_started_them_is_gone()
    {
        using var folder = new TemporaryFolder();
        using var process = MpiRun.Start(MpiFlavor.None,
            [MpiRun.ScenarioPart(2, "wait", ("TMPDIR", folder.Path))]);
        var word = new char["waiting".Length];
        Assert.Equal(word.Length, process.StandardOutput.ReadBlock(word));
        process.Kill();
        process.StandardOutput.ReadToEnd(); // which ends when the last rank has ended
        process.WaitForExit();
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path, "crosshead*"));
    }

    [Fact]
    public void Ranks_meet_where_no_temporary_file_can_be_written()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(0, MpiRun.Of(MpiFlavor.None,
            [MpiRun.ScenarioPart(2, "exchange", ("TMPDIR", folder.File("none")))]).ExitCode);
    }

    [Fact]
    public void Ranks_within_ranks_are_refused()
    {
        var run = MpiRun.Crosshead(2, "doctor", "--ranks", "2");
        Assert.Equal(2, run.ExitCode);
        Assert.Single(run.Lines, l => l.EndsWith("started 2 ranks, and --ranks 2 asks for more; leave out one of them.",
            StringComparison.Ordinal));
    }

    [Fact]
    public void A_command_for_one_process_is_refused()
    {
        var run = MpiRun.Crosshead(2, "info", "nowhere");
        Assert.Equal(2, run.ExitCode);
        Assert.Single(run.Lines, l => l.Contains("started 2 ranks, but \"info\" runs as one process"));
    }

    [Fact]
    public void The_doctor_shows_ranks_and_links()
    {
        var run = MpiRun.Crosshead(2, "doctor");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Matches(@"ranks +\| 2 on 1 host", run.Out);
        Assert.Matches(@"link 0 – 1 +\| .*/s", run.Out);
        Assert.Matches(@"sum over ranks +\| right", run.Out);
        Assert.DoesNotContain('\e', run.Out);
    }
}
