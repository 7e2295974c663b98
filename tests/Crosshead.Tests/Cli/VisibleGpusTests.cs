using Crosshead.Cli.Sweep;

namespace Crosshead.Tests.Cli;

/// <summary>How the runs of a sweep are dealt to GPUs.</summary>
public sealed class VisibleGpusTests
{
    [Fact]
    public void Runs_go_to_the_gpu_with_the_fewest()
    {
        var gpus = VisibleGpus.Of(null, 2);
        Assert.Equal("0", gpus.LeastBusy([]));
        Assert.Equal("1", gpus.LeastBusy(["0"]));
        Assert.Equal("0", gpus.LeastBusy(["1"]));
        Assert.Equal("0", gpus.LeastBusy(["1", "0"]));
        Assert.Equal("1", gpus.LeastBusy(["0", "1", "0"]));
    }

    [Fact]
    public void Only_gpus_that_the_process_was_told_to_see_are_used()
    {
        var gpus = VisibleGpus.Of("3, GPU-5f", 2);
        Assert.Equal("3", gpus.LeastBusy([]));
        Assert.Equal("GPU-5f", gpus.LeastBusy(["3"]));
    }

    [Theory]
    [InlineData(null, 0)]
    [InlineData("2", 1)]
    public void Nothing_is_chosen_where_there_is_no_choice(string? visible, int count) =>
        Assert.Null(VisibleGpus.Of(visible, count).LeastBusy([null, null]));

    [Fact]
    public void A_recipe_that_names_its_device_is_left_alone()
    {
        Assert.Null(VisibleGpus.For("cpu").LeastBusy([]));
        Assert.Null(VisibleGpus.For("cuda:1").LeastBusy([]));
    }
}
