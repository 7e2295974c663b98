using Crosshead.Runtime;

namespace Crosshead.Tests.Runtime;

public sealed class ProcessorLimitsTests : IDisposable
{
    private readonly TemporaryFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData("0", 1)]
    [InlineData("0-3", 4)]
    [InlineData("0-1,4,6-7", 5)]
    public void Cores_are_those_the_process_may_run_on(string list, int cores)
    {
        Status(list);
        Assert.Equal(new ProcessorLimits(cores, null), Read());
        Assert.Equal(cores, Read().Cores);
    }

    [Theory]
    [InlineData("150000 100000", 1.5, 2)]
    [InlineData("400000 100000", 4.0, 4)]
    [InlineData("10000 100000", 0.1, 1)]
    [InlineData("9900000 100000", 99.0, 8)]
    [InlineData("max 100000", null, 8)]
    [InlineData("", null, 8)]
    public void A_quota_of_version_2_is_rounded_up(string file, double? quota, int cores)
    {
        Status("0-7");
        Write("proc/self/cgroup", "0::/jobs/one\n");
        Write("sys/fs/cgroup/jobs/one/cpu.max", file + "\n");
        Assert.Equal(new ProcessorLimits(8, quota), Read());
        Assert.Equal(cores, Read().Cores);
    }

    [Theory]
    [InlineData("250000", 2.5, 3)]
    [InlineData("-1", null, 8)]
    public void A_quota_of_version_1_is_rounded_up(string file, double? quota, int cores)
    {
        Status("0-7");
        Write("proc/self/cgroup", "9:memory:/job\n4:cpu,cpuacct:/job\n0::/\n");
        Write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", file + "\n");
        Write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
        Assert.Equal(new ProcessorLimits(8, quota), Read());
        Assert.Equal(cores, Read().Cores);
    }

    [Fact]
    public void The_smallest_quota_of_the_groups_around_holds()
    {
        Status("0-7");
        Write("proc/self/cgroup", "0::/a/b/c\n");
        Write("sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
        Write("sys/fs/cgroup/a/b/cpu.max", "300000 100000\n");
        Write("sys/fs/cgroup/a/cpu.max", "600000 100000\n");
        Assert.Equal(3, Read().Quota);
    }

    [Fact]
    public void A_container_sees_its_own_group_at_the_root()
    {
        Status("0-7");
        Write("proc/self/cgroup", "1:cpu:/docker/0123456789\n");
        Write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
        Write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
        Assert.Equal(0.5, Read().Quota);
    }

    [Fact]
    public void Without_these_files_the_runtime_is_asked() =>
        Assert.Equal(new ProcessorLimits(Environment.ProcessorCount, null), Read());

    [Fact]
    public void This_process_may_use_as_many_cores_as_the_runtime_says() =>
        Assert.Equal(Environment.ProcessorCount, ProcessorLimits.Read().Cores);

    private ProcessorLimits Read() => ProcessorLimits.Read(_root.Path);

    private void Status(string list) =>
        Write("proc/self/status", $"Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t{list}\nMems_allowed:\t1\n");

    private void Write(string path, string text)
    {
        var file = _root.File(path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }
}
