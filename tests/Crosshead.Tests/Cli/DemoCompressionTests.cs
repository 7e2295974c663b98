using Crosshead.Attention;
using Crosshead.Checkpoints;
using Crosshead.Cli.Demo;
using Crosshead.Cli.Terminal;
using Crosshead.Training.Studies;

namespace Crosshead.Tests.Cli;

public sealed class DemoCompressionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_stage_is_measured_on_the_text_of_the_run()
    {
        var (compression, run) = Prepare(TimeSpan.FromMinutes(5));
        compression.Run(TestContext.Current.CancellationToken);
        var outcome = compression.Outcome;
        Assert.True(outcome.Missing is null, outcome.Missing);
        Assert.Equal(run.Result!.HeldOutLoss!.Value, outcome.LossBefore!.Value, 1e-9);
        Assert.InRange(outcome.CacheBytesAfter!.Value, 1, outcome.CacheBytesBefore / 2);
        Assert.All([outcome.LossSvd, outcome.LossAfter, outcome.LossRecovered],
            loss => Assert.InRange(loss!.Value, 0.1, 8));
        Assert.True(outcome.RecoveryTokens > 0);
        Assert.All([outcome.SampleAfter, outcome.SampleRecovered], sample => Assert.NotEmpty(sample!.Text));
        // Both are models that other commands take.
        foreach (var stage in new[] { "compressed", "recovered" })
        {
            using var model = ModelDirectory.Load(_folder.File(Path.Combine("out", stage, run.Name)));
            Assert.Equal(AttentionVariant.Mea, model.Options.Attention.Variant);
            Assert.NotNull(model.Options.VirtualHeads);
        }
    }

    [Fact]
    public void Being_stopped_leaves_what_there_is_with_the_reason()
    {
        var (compression, _) = Prepare(TimeSpan.FromMinutes(5));
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        compression.Run(stop.Token);
        Assert.Equal("It was interrupted here.", compression.Outcome.Missing);
        Assert.NotNull(compression.Outcome.LossBefore);
        Assert.Null(compression.Outcome.CacheBytesAfter);
    }

    [Fact]
    public void No_time_is_told_with_the_remedy()
    {
        var (compression, _) = Prepare(TimeSpan.Zero);
        compression.Run(TestContext.Current.CancellationToken);
        Assert.Equal("--minutes 0.5 left no time for halving the cache; give it more minutes.",
            compression.Outcome.Missing);
    }

    // A run of a few steps with a model as small as can be.
    private (DemoCompression, DemoRun) Prepare(TimeSpan time)
    {
        var text = _folder.Write("text.txt", string.Concat(Enumerable.Range(0, 2500)
            .Select(i => $"head {i % 7} mixes key {i % 11} and value {i % 13}{(i % 5 == 4 ? ".\n\n" : ". ")}")));
        var options = new DemoOptions([text], _folder.File("out"), 0.5, "crosshead demo");
        var output = new CommandOutput(
            new StandardStreams(TextWriter.Null, TextWriter.Null, TextReader.Null), json: true);
        var data = DemoData.Prepare(options, output, CancellationToken.None);
        var recipe = DemoPlan.Recipes(data.Folder, data.Tokenizer.VocabularySize)
            .First(r => r.Model.Attention.Variant == AttentionVariant.Mea);
        var run = new DemoRun(DemoPlan.WithSteps(
            recipe with { Model = recipe.Model with { HiddenSize = 32, Layers = 2, Context = 32 } }, 10));
        var training = new DemoTraining(options, data, output);
        training.Run(run, "runs", from: null, TimeSpan.FromMinutes(5), new DemoScreen(output.Terminal, [run]),
            CancellationToken.None);
        Assert.Equal(RunStatus.Finished, run.Status);
        return (new DemoCompression(options, data, training, output, run, time), run);
    }
}
