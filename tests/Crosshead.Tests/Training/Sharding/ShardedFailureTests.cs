using Crosshead.Runtime;
using Crosshead.Tests.Runtime.Distributed;
using Crosshead.Tests.Training.Runs;
using Crosshead.Training.Logging;
using Crosshead.Training.Recipes;
using Crosshead.Training.Runs;
using TorchSharp;

namespace Crosshead.Tests.Training.Sharding;

/// <summary>What goes wrong on one rank ends the run of all, with one line.</summary>
public sealed class ShardedFailureTests
{
    [Fact]
    public void A_step_of_fewer_micro_batches_than_ranks_is_refused()
    {
        var error = Assert.Throws<CrossheadException>(() => RankRuns.Run(3,
            RankRuns.Change(t => t with { GradientAccumulation = 2 }), new RunOptions()));
        Assert.Equal("training.gradientAccumulation (2) is less than the number of ranks (3): each rank needs a "
            + "micro-batch; use at least 3, with a smaller training.batch (now 2) for the same tokens a step, or start "
            + "at most 2.", error.Message);
    }

    [Fact]
    public void The_time_limit_of_one_rank_ends_all()
    {
        var results = ThreadCommunicator.Run(3, communicator => TinyRun.Trainer(RankRuns.Recipe,
            new RunOptions
            {
                Communicator = communicator,
                TimeLimit = communicator.Rank == 1 ? TimeSpan.Zero : null,
            },
            r => new MadeUpData(r) { VocabularySize = RankRuns.Vocabulary }).Run());
        Assert.All(results, r => Assert.Equal((TrainingEnd.TimeLimit, 1L), (r.End, r.Step)));
    }

    [Fact]
    public void A_log_that_cannot_be_written_ends_all_with_the_same_line()
    {
        using var folder = new TemporaryFolder();
        var lines = ThreadCommunicator.Run(2, communicator => Assert.Throws<CrossheadException>(() =>
            TinyRun.Trainer(RankRuns.Recipe, new RunOptions
            {
                Communicator = communicator,
                Folder = folder.Path,
                Logs = communicator.Rank == 0 ? [new FullLog()] : [],
            }, r => new MadeUpData(r) { VocabularySize = RankRuns.Vocabulary }).Run()).Message);
        Assert.StartsWith("the disk is full. The run stopped at step 1 and is saved in ", lines[0]);
        Assert.Equal(lines[0], lines[1]);
        Assert.Equal(1, RunFolder.SavedStep(folder.Path));
    }

    [Fact]
    public void A_rank_that_runs_out_of_memory_ends_all_with_its_one_line()
    {
        using var folder = new TemporaryFolder();
        ITrainingData Data(Recipe recipe, int rank) => new MadeUpData(recipe)
        {
            VocabularySize = RankRuns.Vocabulary,
            OnBatch = batch => // of the third step
            {
                if (rank == 1 && batch is >= 8 and < 12) torch.zeros(1L << 50).Dispose();
            },
        };
        var error = Assert.Throws<DeviceMemoryException>(() => ThreadCommunicator.Run(2, communicator =>
            TinyRun.Trainer(RankRuns.Recipe, new RunOptions { Communicator = communicator, Folder = folder.Path },
                r => Data(r, communicator.Rank)).Run()));
        Assert.StartsWith("out of memory: 4096 TiB could not be allocated on cpu; use a smaller training.batch (now "
            + "2) ", error.Message);
        var saved = Assert.Single(Directory.GetDirectories(CheckpointFolder.In(folder.Path)));
        Assert.Equal("step-00000002", Path.GetFileName(saved));
    }

    [Theory]
    [InlineData("the recipe")]
    [InlineData("the data")]
    [InlineData("the tokenizer")]
    public void Ranks_that_would_train_otherwise_are_refused_before_anything_is_written(string other)
    {
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<CrossheadException>(() => ThreadCommunicator.Run(2, communicator =>
        {
            bool Differs(string what) => communicator.Rank == 1 && what == other;
            var recipe = Differs("the recipe") ? RankRuns.Change(t => t with { LearningRate = 0.5 }) : RankRuns.Recipe;
            return TinyRun.Trainer(recipe, new RunOptions { Communicator = communicator, Folder = folder.File("run") },
                r => new MadeUpData(r)
                {
                    VocabularySize = RankRuns.Vocabulary,
                    Hash = Differs("the data") ? "other" : "made-up",
                    TokenizerHash = Differs("the tokenizer") ? "other" : "none",
                }).Run();
        }));
        Assert.StartsWith($"{other} differs: ", error.Message);
        Assert.EndsWith("start all ranks with the same program, arguments, data and threads.", error.Message);
        Assert.False(Directory.Exists(folder.File("run")));
    }

    [Fact]
    public void A_rank_that_cannot_write_its_part_is_named_and_nothing_is_left()
    {
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<CrossheadException>(() => ThreadCommunicator.Run(2, communicator => TinyRun.Trainer(
            RankRuns.Recipe, new RunOptions
            {
                Communicator = communicator.Rank == 0 ? communicator : new ElsewhereCommunicator(communicator),
                Folder = folder.Path,
            }, r => new MadeUpData(r) { VocabularySize = RankRuns.Vocabulary }).Run()));
        Assert.StartsWith("the checkpoint of step 2 was not written: ", error.Message);
        Assert.Contains("rank 1 of 2: Could not find file '", error.Message);
        Assert.EndsWith("there is no complete one to go on from.", error.Message);
        Assert.Empty(Directory.GetDirectories(CheckpointFolder.In(folder.Path)));
    }

    private sealed class FullLog : ITrainingLog
    {
        public void Write(TrainingStepRecord record) => throw new CrossheadException("the disk is full.");

        public void Dispose() { }
    }
}
