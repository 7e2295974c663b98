using Crosshead.Data.Batches;
using Crosshead.Data.Shards;
using static Crosshead.Tests.Data.Shards.PreparedData;

namespace Crosshead.Tests.Data.Shards;

public sealed class DataPreparationInterruptionTests
{
    // The more workers, the more text is under way before the first report; on any machine these texts are long enough
    // for two.
    private static readonly DataPreparationOptions s_options = new() { Workers = 2 };

    // Stops at every progress report in turn, goes on, and stops again.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void An_interrupted_run_goes_on_to_the_same_bytes(int reportsBetweenStops)
    {
        using var folder = new TemporaryFolder();
        WriteCorpus(folder, 5000);
        File.Copy(folder.File("in.jsonl"), folder.File("in2.jsonl"));
        string[] inputs = [folder.File("in.jsonl"), folder.File("in2.jsonl")];
        var options = s_options with { ShardTokens = 30_000, HeldOutFraction = 0.05 };
        DataPreparation.Run(inputs, Small, folder.File("straight"), options);
        var stops = 0;
        while (true)
        {
            using var stop = new CancellationTokenSource();
            var reports = 0;
            try
            {
                DataPreparation.Run(inputs, Small, folder.File("stopped"), options,
                    new ImmediateProgress(_ => { if (++reports == reportsBetweenStops) stop.Cancel(); }), stop.Token);
                break;
            }
            catch (OperationCanceledException)
            {
                stops++;
                Assert.True(File.Exists(folder.File("stopped/preparation.json")));
                Assert.Contains("not finished",
                    Assert.Throws<CrossheadException>(() => TokenDataset.Open(folder.File("stopped"))).Message);
                // What a killed process may leave behind the state: bytes beyond it.
                foreach (var partial in Directory.GetFiles(folder.File("stopped"), "*.partial"))
                    File.AppendAllText(partial, "beyond");
            }
        }
        Assert.True(stops >= 2, $"stopped {stops} times only");
        Assert.Equal(Contents(folder.File("straight")), Contents(folder.File("stopped")));
    }

    [Fact]
    public void A_shard_finished_before_its_state_was_kept_is_taken_up_again()
    {
        using var folder = new TemporaryFolder();
        WriteCorpus(folder, 8000);
        var options = s_options with { ShardTokens = 30_000 };
        DataPreparation.Run([folder.File("in.jsonl")], Small, folder.File("straight"), options);
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => DataPreparation.Run([folder.File("in.jsonl")], Small,
            folder.File("killed"), options, new ImmediateProgress(_ => stop.Cancel()), stop.Token));
        var partial = Directory.GetFiles(folder.File("killed"), "train-*.partial").Single();
        File.Move(partial, partial[..^".partial".Length]);
        DataPreparation.Run([folder.File("in.jsonl")], Small, folder.File("killed"), options);
        Assert.Equal(Contents(folder.File("straight")), Contents(folder.File("killed")));
    }

    [Fact]
    public void A_lost_partial_shard_is_refused()
    {
        using var folder = new TemporaryFolder();
        WriteCorpus(folder, 8000);
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => DataPreparation.Run([folder.File("in.jsonl")], Small,
            folder.File("out"), s_options, new ImmediateProgress(_ => stop.Cancel()), stop.Token));
        File.Delete(folder.File("out/train-00000.bin.partial"));
        Assert.Contains("train-00000.bin.partial does not hold", Refused(folder, "out", s_options));
        Assert.NotNull(DataPreparation.Run([folder.File("in.jsonl")], Small, folder.File("out"),
            s_options with { Overwrite = true }));
    }

    [Fact]
    public void An_unfinished_folder_is_not_continued_with_another_request()
    {
        using var folder = new TemporaryFolder();
        WriteCorpus(folder, 8000);
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => DataPreparation.Run([folder.File("in.jsonl")], Small,
            folder.File("out"), s_options, new ImmediateProgress(_ => stop.Cancel()), stop.Token));
        Assert.Contains("an unfinished preparation of other data: seed is 1 here and 0 there",
            Refused(folder, "out", s_options with { Seed = 1 }));
        File.WriteAllText(folder.File("out/preparation.json"), "{");
        Assert.Contains("preparation.json", Refused(folder, "out", s_options));
    }
}
