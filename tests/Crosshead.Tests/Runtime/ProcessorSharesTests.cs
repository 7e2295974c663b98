using Crosshead.Runtime;

namespace Crosshead.Tests.Runtime;

public sealed class ProcessorSharesTests : IDisposable
{
    private readonly TemporaryFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData("0-1", 2, "0|1")]
    [InlineData("0-3", 2, "0,1|2,3")]
    [InlineData("0-3", 3, "0|1|2")] // as many for each
    [InlineData("1,4-6", 2, "1,4|5,6")]
    [InlineData("0-3", 1, "0,1,2,3")]
    public void Each_rank_has_as_many_processors(string allowed, int ranks, string shares)
    {
        Write("proc/self/status", $"Name:\tcrosshead\nCpus_allowed_list:\t{allowed}\n");
        Assert.Equal(shares, Shares(ranks));
    }

    // Two packages of two cores of two threads, numbered as Linux usually does: 0-3 are the first threads of all cores,
    // those of one package in turn with those of the other.
    [Theory]
    [InlineData("0-7", 2, "0,4,2,6|1,5,3,7")]
    [InlineData("0-7", 4, "0,4|2,6|1,5|3,7")]
    [InlineData("0-3", 2, "0,2|1,3")]
    public void Threads_of_a_core_and_cores_of_a_package_stay_together(string allowed, int ranks, string shares)
    {
        Write("proc/self/status", $"Cpus_allowed_list:\t{allowed}\n");
        for (var processor = 0; processor < 8; processor++)
        {
            var topology = $"sys/devices/system/cpu/cpu{processor}/topology";
            Write($"{topology}/physical_package_id", $"{processor % 2}\n");
            Write($"{topology}/core_id", $"{processor % 4 / 2}\n");
        }
        Assert.Equal(shares, Shares(ranks));
    }

    [Fact]
    public void More_ranks_than_processors_are_not_bound()
    {
        Write("proc/self/status", "Cpus_allowed_list:\t0-1\n");
        Assert.Null(ProcessorShares.Of(3, _root.Path));
    }

    [Fact]
    public void An_unknown_list_is_not_shared_out()
    {
        Write("proc/self/status", "Cpus_allowed_list:\t0-x\n");
        Assert.Null(ProcessorShares.Of(1, _root.Path));
    }

    [Fact]
    public void Work_runs_on_its_processors_and_the_thread_on_all_again()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux says where a thread may run");
        var (before, last) = (Allowed(), ProcessorLimits.Allowed()![^1]);
        string? within = null;
        ProcessorShares.Start([last], () => within = Allowed());
        Assert.Equal(($"{last}", before), (within, Allowed()));

        static string Allowed() => File.ReadLines("/proc/thread-self/status")
            .First(l => l.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal)).Split(':')[1].Trim();
    }

    private string Shares(int ranks) =>
        string.Join('|', ProcessorShares.Of(ranks, _root.Path)!.Select(s => string.Join(',', s)));

    private void Write(string file, string text)
    {
        var path = _root.File(file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
