using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Tests.Runtime;

public sealed class LibTorchTests
{
    private static string TorchSharpLibrary =>
        Directory.GetFiles(AppContext.BaseDirectory, "libLibTorchSharp.so", SearchOption.AllDirectories).First();

    [Fact]
    public void Only_one_libtorch_is_loaded()
    {
        using var scope = NewDisposeScope();
        ones(2).sum();
        var loaded = File.ReadLines("/proc/self/maps").Where(l => l.Contains("libtorch_cpu.so"))
            .Select(l => l.Split(' ')[^1]).Distinct();
        Assert.Single(loaded);
    }

    [Fact]
    public void The_version_need_is_marked_weak_and_nothing_else_changes()
    {
        var original = File.ReadAllBytes(TorchSharpLibrary);
        var marked = ElfVersionNeeds.WithWeakNeed([.. original], "GLIBCXX_3.4.32");
        var changed = Enumerable.Range(0, original.Length).Where(i => original[i] != marked[i]).ToArray();
        Assert.Single(changed);
        Assert.Equal(original[changed[0]] | 2, marked[changed[0]]);
    }

    [Fact]
    public void A_version_that_is_not_needed_changes_nothing()
    {
        var original = File.ReadAllBytes(TorchSharpLibrary);
        Assert.Equal(original, ElfVersionNeeds.WithWeakNeed([.. original], "GLIBCXX_9.9.99"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(4096)]
    public void A_damaged_library_is_refused_in_one_line(int length)
    {
        var part = File.ReadAllBytes(TorchSharpLibrary)[..length];
        var error = Assert.Throws<CrossheadException>(() => ElfVersionNeeds.WithWeakNeed(part, "GLIBCXX_3.4.32"));
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData("gpu", "device \"gpu\" is unknown")]
    [InlineData("cuda:99", "device \"cuda:99\"")]
    [InlineData("cuda:x", "device \"cuda:x\"")]
    public void A_device_that_is_not_there_is_refused(string name, string message) =>
        Assert.StartsWith(message, Assert.Throws<CrossheadException>(() => ComputeDevice.Parse(name)).Message);

    [Fact]
    public void Cuda_asked_for_and_absent_says_what_to_do()
    {
        Assert.SkipWhen(cuda_is_available(), "this machine has CUDA");
        Assert.Contains("use `Device` cpu",
            Assert.Throws<CrossheadException>(() => ComputeDevice.Parse("cuda")).Message);
    }

    [Fact]
    public void An_unknown_precision_is_refused_with_the_known_ones() =>
        Assert.Contains("float64, float32, bfloat16",
            Assert.Throws<CrossheadException>(() => Precision.Parse("fp8")).Message);
}
