using Crosshead.Training.Runs;

namespace Crosshead.Tests.Training.Runs;

/// <summary>What is left to do of a run that has taken its last step.</summary>
public sealed class FinishedRunTests
{
    [Fact]
    public void A_finished_run_that_is_resumed_stays_as_it_is()
    {
        using var folder = new TemporaryFolder();
        var options = new RunOptions { Folder = folder.Path };
        var whole = TinyRun.Trainer(TinyRun.Recipe, options).Run();
        Assert.False(whole.WasFinished);
        var files = Times(folder.Path);

        var progress = new Progress();
        var resumed = TinyRun.Trainer(TinyRun.Recipe, options with { Resume = true }).Run(progress);
        Assert.Equal(whole with { TokensPerSecond = 0, WasFinished = true }, resumed);
        Assert.Empty(progress.Steps);
        Assert.Equal(files, Times(folder.Path));

        var longer = TinyRun.Trainer(TinyRun.Change(t => t with { Steps = 14 }), options with { Resume = true }).Run();
        Assert.Equal((14, false), (longer.Step, longer.WasFinished));
        Assert.Equal("checkpoint step-00000014 is at step 14, after the recipe's last step (12); raise training.steps "
            + "to go on.", Assert.Throws<CrossheadException>(
            () => TinyRun.Trainer(TinyRun.Recipe, options with { Resume = true }).Run()).Message);
    }

    [Fact]
    public void A_longer_run_killed_before_its_final_model_does_not_count_the_shorter_runs_model()
    {
        using var folder = new TemporaryFolder();
        var options = new RunOptions { Folder = folder.Path };
        TinyRun.Trainer(TinyRun.Change(t => t with { Steps = 8 }), options).Run();
        var old = File.ReadAllBytes(folder.File("model.safetensors"));
        TinyRun.Trainer(TinyRun.Recipe, options with { Resume = true }).Run();
        var weights = File.ReadAllBytes(folder.File("model.safetensors"));
        Assert.NotEqual(old, weights);
        File.WriteAllBytes(folder.File("model.safetensors"), old);
        Assert.False(TinyRun.Trainer(TinyRun.Recipe, options with { Resume = true }).Run().WasFinished);
        Assert.Equal(weights, File.ReadAllBytes(folder.File("model.safetensors")));
    }

    [Fact]
    public void A_run_killed_before_its_final_model_writes_it_when_resumed()
    {
        using var folder = new TemporaryFolder();
        var options = new RunOptions { Folder = folder.Path };
        var whole = TinyRun.Trainer(TinyRun.Recipe, options).Run();
        var weights = File.ReadAllBytes(folder.File("model.safetensors"));
        File.Delete(folder.File("config.json"));
        File.Delete(folder.File("model.safetensors"));
        var resumed = TinyRun.Trainer(TinyRun.Recipe, options with { Resume = true }).Run();
        Assert.Equal(whole with { TokensPerSecond = 0, TrainingLoss = 0 },
            resumed with { TokensPerSecond = 0, TrainingLoss = 0 });
        Assert.Equal(weights, File.ReadAllBytes(folder.File("model.safetensors")));
    }

    private static (string, DateTime)[] Times(string folder) =>
        [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(f => (f, File.GetLastWriteTimeUtc(f)))];
}
