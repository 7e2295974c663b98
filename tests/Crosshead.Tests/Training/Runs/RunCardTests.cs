using Crosshead.Checkpoints;
using Crosshead.Training.Runs;

namespace Crosshead.Tests.Training.Runs;

public sealed class RunCardTests
{
    [Fact]
    public void A_finished_run_says_how_its_model_was_trained()
    {
        using var folder = new TemporaryFolder();
        var options = new RunOptions { Folder = folder.File("first"), Command = "crosshead train tiny.json" };
        var result = TinyRun.Trainer(TinyRun.Recipe, options).Run();
        var card = Card(folder.File("first"));
        Assert.Contains("# first\n\nA language model trained from random weights.", card);
        Assert.Contains($"| Trained | {result.Step} steps, ", card);
        Assert.Contains($"| Held-out loss | {result.HeldOutLoss:0.0000} nats a token |", card);
        Assert.Contains("\ncrosshead train tiny.json\n", card);
        Assert.False(File.Exists(Path.Combine(result.Checkpoint!, ModelCard.FileName)));

        TinyRun.Trainer(TinyRun.Recipe,
            new RunOptions { Folder = folder.File("second"), From = folder.File("first") }).Run();
        Assert.Contains("first after further training.", Card(folder.File("second")));

        // A resumed run does not claim to know where it began, and what the user wrote stays.
        var third = new RunOptions { Folder = folder.File("third"), From = folder.File("first") };
        using var stop = new CancellationTokenSource();
        var interrupted = TinyRun.Trainer(TinyRun.Recipe, third)
            .Run(new ImmediateProgress<TrainingProgress>(_ => stop.Cancel()), stop.Token);
        Assert.True(interrupted.Interrupted);
        Assert.False(File.Exists(folder.File("third/README.md")));
        TinyRun.Trainer(TinyRun.Recipe, new RunOptions { Folder = folder.File("third"), Resume = true }).Run();
        Assert.Contains("\nA trained language model.", Card(folder.File("third")));
        File.WriteAllText(folder.File("second/README.md"), "# Mine\n");
        TinyRun.Trainer(TinyRun.Recipe,
            new RunOptions { Folder = folder.File("second"), From = folder.File("first"), Overwrite = true }).Run();
        Assert.Equal("# Mine\n", Card(folder.File("second")));
    }

    private static string Card(string folder) => File.ReadAllText(Path.Combine(folder, ModelCard.FileName));
}
