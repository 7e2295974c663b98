using Crosshead.Runtime;

namespace Crosshead.Tests.Runtime;

/// <summary>The memory that a process can have, by files as Linux shows them.</summary>
public sealed class MemoryLimitTests : IDisposable
{
    private readonly TemporaryFolder _root = new();

    public MemoryLimitTests()
    {
        Write("proc/meminfo", "MemTotal:        1000 kB\nMemFree:          5 kB\nSwapTotal:        200 kB\n");
        Write("proc/self/limits", "Limit                     Soft Limit           Hard Limit           Units     \nMax "
            + "address space         unlimited            unlimited            bytes     \n");
        Write("proc/self/cgroup", "0::/a/b\n");
    }

    public void Dispose() => _root.Dispose();

    [Fact]
    public void Without_limits_it_is_the_memory_with_the_swap() =>
        Assert.Equal(1200 * 1024, MemoryLimit.Of(_root.Path));

    [Theory]
    [InlineData("a/b")]
    [InlineData("a")]
    [InlineData("")] // what a container sees of its own group
    public void A_control_group_or_one_above_it_limits_it(string group)
    {
        Write($"sys/fs/cgroup/{group}/memory.max", "500000\n");
        Assert.Equal(500_000 + (200 * 1024), MemoryLimit.Of(_root.Path));
        Write($"sys/fs/cgroup/{group}/memory.swap.max", "0\n");
        Assert.Equal(500_000, MemoryLimit.Of(_root.Path));
    }

    [Fact]
    public void A_control_group_without_a_limit_changes_nothing()
    {
        Write("sys/fs/cgroup/a/memory.max", "max\n");
        Assert.Equal(1200 * 1024, MemoryLimit.Of(_root.Path));
    }

    [Theory]
    [InlineData("300000", 300_000 + (200 * 1024))]
    [InlineData("9223372036854771712", 1200 * 1024)] // no limit
    public void Version_1_of_control_groups_is_read_too(string limit, long expected)
    {
        Write("proc/self/cgroup", "5:memory:/x\n3:cpu,cpuacct:/\n");
        Write("sys/fs/cgroup/memory/x/memory.limit_in_bytes", limit + "\n");
        Assert.Equal(expected, MemoryLimit.Of(_root.Path));
    }

    [Fact]
    public void The_limit_of_the_address_space_counts()
    {
        Write("proc/self/limits", "Max address space         700000               unlimited            bytes     \n");
        Assert.Equal(700_000, MemoryLimit.Of(_root.Path));
    }

    [Fact]
    public void Where_nothing_is_told_there_is_no_limit() =>
        Assert.Equal(long.MaxValue, MemoryLimit.Of(_root.File("nowhere")));

    [Fact]
    public void This_machine_has_some() => Assert.InRange(MemoryLimit.Bytes, 1L << 26, 1L << 50);

    private void Write(string file, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_root.File(file))!);
        File.WriteAllText(_root.File(file), text);
    }
}
