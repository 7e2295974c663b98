using Crosshead.Tests.Cli;
using Crosshead.Tests.Runtime.Distributed;

namespace Crosshead.Tests.Training.Sharding;

public sealed class MpiTrainingTests
{
    [Theory]
    [InlineData(MpiFlavor.OpenMpi)]
    [InlineData(MpiFlavor.None)]
    public void The_command_writes_the_same_files_for_every_number_of_processes(MpiFlavor flavor)
    {
        using var folder = new TemporaryFolder();
        var recipe = TinyRecipe.In(folder, steps: 4);
        string[] Run(int ranks)
        {
            var own = folder.File($"{ranks}");
            var run = MpiRun.Crosshead(flavor, ranks, "train", recipe, "--out", own, "--dtype", "bfloat16", "--set",
                "training.checkpointEvery=2", "--set", "training.gradientAccumulation=4");
            Assert.True(run.ExitCode == 0, run.Error);
            return RankRuns.Traces(own);
        }
        var one = Run(1);
        Assert.Equal(one, Run(2));
        Assert.Equal(one, Run(3));
    }

    [Fact]
    public void Ranks_with_other_recipes_end_with_one_line_before_anything_is_written()
    {
        using var folder = new TemporaryFolder();
        var recipe = TinyRecipe.In(folder, steps: 4);
        MpiRun.Part With(string rate) => MpiRun.CrossheadPart(1, "train", recipe, "--out", folder.File("run"), "--set",
            "training.gradientAccumulation=2", "--set", $"training.learningRate={rate}");
        var run = MpiRun.Of(MpiRun.Installed(), [With("1e-2"), With("2e-2")]);
        Assert.Equal(2, run.ExitCode);
        Assert.Single(run.Lines, l => l.StartsWith("the recipe differs: ", StringComparison.Ordinal));
        Assert.False(Directory.Exists(folder.File("run")));
    }
}
