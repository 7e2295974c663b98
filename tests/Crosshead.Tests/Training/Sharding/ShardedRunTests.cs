using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Tests.Kernels;
using Crosshead.Tests.Runtime.Distributed;
using Crosshead.Tests.Training.Runs;
using Crosshead.Training.Logging;
using Crosshead.Training.Recipes;
using Crosshead.Training.Runs;
using TorchSharp;

namespace Crosshead.Tests.Training.Sharding;

public sealed class ShardedRunTests
{
    [Theory]
    [InlineData("float32", 4, ShardStage.Gradients)]
    [InlineData("bfloat16", 6, ShardStage.Gradients)]
    [InlineData("bfloat16", 5, ShardStage.Optimizer)]
    [InlineData("float32", 5, ShardStage.None)]
    [InlineData("bfloat16", 4, ShardStage.None)]
    [InlineData("float32", 5, ShardStage.Parameters)]
    [InlineData("bfloat16", 5, ShardStage.Parameters)]
    [InlineData("float32", 4, ShardStage.Parameters, MomentPrecision.BFloat16)]
    [InlineData("bfloat16", 5, ShardStage.Gradients, MomentPrecision.BFloat16)]
    [InlineData("bfloat16", 4, ShardStage.None, MomentPrecision.BFloat16)]
    public void Every_number_of_ranks_writes_the_same_files(string dtype, int microBatches, ShardStage shard,
        MomentPrecision moments = MomentPrecision.Master)
    {
        CpuKernels.Require();
        var recipe = RankRuns.Change(t => t with
        {
            Dtype = dtype,
            GradientAccumulation = microBatches,
            Shard = shard,
            Moments = moments,
        });
        using var folder = new TemporaryFolder();
        string[] Run(int ranks)
        {
            var own = folder.File($"{ranks}");
            var results = RankRuns.Run(ranks, recipe, new RunOptions { Folder = own });
            Assert.All(results, r => Assert.Equal(results[0].HeldOutLoss, r.HeldOutLoss));
            return RankRuns.Traces(own);
        }
        var one = Run(1);
        Assert.Contains(one, t => t.StartsWith("checkpoints/step-00000003/optimizer.safetensors",
            StringComparison.Ordinal));
        for (var ranks = 2; ranks <= 4; ranks++) Assert.Equal(one, Run(ranks));
    }

    public static TheoryData<string> Models =>
    [
        .. Enum.GetNames<AttentionVariant>(), "experts", "tied", "frozen", "recomputed", "begun by another model",
        "taught", "wide",
        "finer mixes", "normed queries",
    ];

    [Theory]
    [MemberData(nameof(Models))]
    public void Two_ranks_train_every_model_like_one(string model)
    {
        CpuKernels.Require();
        using var folder = new TemporaryFolder();
        var recipe = RankRuns.Change(t => t with { Dtype = "bfloat16", GradientAccumulation = 3 });
        var options = new RunOptions();
        var shape = recipe.Model;
        string Other()
        {
            var path = folder.File("other");
            RankRuns.Run(1, RankRuns.Recipe, new RunOptions { Folder = path });
            return path;
        }
        recipe = model switch
        {
            "experts" => recipe with
            {
                Model = shape with
                {
                    Experts = new() { Count = 8, PerToken = 1, InnerSize = 16, DenseLayers = [0] },
                },
                // So few tokens that some experts have none on a rank.
                Training = recipe.Training with { Batch = 1 },
                Data = recipe.Data with { Context = 4 },
            },
            "tied" => recipe with { Model = shape with { TieEmbeddings = true } },
            "frozen" => recipe with
            {
                Training = recipe.Training with { Trainable = [TrainablePart.Queries, TrainablePart.Norms] },
            },
            "recomputed" => recipe with { Training = recipe.Training with { ActivationCheckpointing = true } },
            "begun by another model" => recipe,
            "taught" => recipe with
            {
                Training = recipe.Training with { Distillation = new() { Teacher = Other(), HiddenWeight = 0.5 } },
            },
            "finer mixes" => recipe with
            {
                Model = shape with
                {
                    Attention = shape.Attention with
                    {
                        Variant = AttentionVariant.Mea,
                        KeyComponents = 1,
                        KeyGrain = KeyGrain.Frequency,
                        ValueGrain = ValueGrain.Dense,
                        ValueRank = 2,
                    },
                },
            },
            "normed queries" => recipe with
            {
                Model = shape with
                {
                    Attention = shape.Attention with { QueryKeyNorm = true, ProjectionBias = true, OutputBias = true },
                },
            },
            "wide" => recipe with { Training = recipe.Training with { Dtype = "float32", Clip = 0.01 } },
            _ => recipe with
            {
                Model = shape with
                {
                    Attention = shape.Attention with { Variant = Enum.Parse<AttentionVariant>(model) },
                },
            },
        };
        if (model == "begun by another model") options = options with { From = Other() };
        recipe = recipe with { Training = recipe.Training with { Shard = ShardStage.Parameters } };
        string[] Run(int ranks)
        {
            var own = folder.File($"{ranks}");
            RankRuns.Run(ranks, recipe, options with { Folder = own });
            return RankRuns.Traces(own);
        }
        Assert.Equal(Run(1), Run(2));
    }

    [Theory]
    [InlineData(MomentPrecision.Master)]
    [InlineData(MomentPrecision.BFloat16)]
    public void A_run_goes_on_with_another_number_of_ranks(MomentPrecision moments)
    {
        CpuKernels.Require();
        using var folder = new TemporaryFolder();
        var recipe = RankRuns.Change(t => t with
        {
            Steps = 8,
            Dtype = "bfloat16",
            KeepLast = 1,
            KeepBest = false,
            Shard = ShardStage.Parameters,
            Moments = moments,
        });
        var (whole, parts) = (folder.File("whole"), folder.File("parts"));
        RankRuns.Run(1, recipe, new RunOptions { Folder = whole });

        var first = RankRuns.Run(3, recipe, new RunOptions { Folder = parts }, stopAt: 3);
        Assert.All(first, r => Assert.Equal((TrainingEnd.Interrupted, 3L), (r.End, r.Step)));
        var options = new RunOptions { Folder = parts, Resume = true };
        // What ranks share out may change, too.
        var none = recipe with { Training = recipe.Training with { Shard = ShardStage.None } };
        Assert.Equal(5, RankRuns.Run(1, recipe, options, stopAt: 5)[0].Step);
        Assert.Equal(6, RankRuns.Run(2, none, options, stopAt: 6)[0].Step);
        RankRuns.Run(2, recipe, options);
        Assert.Equal(RankRuns.Traces(whole), RankRuns.Traces(parts));
    }

    [Fact]
    public void Fast_sums_differ_from_ordered_ones_in_the_last_digits_only()
    {
        var ordered = Losses(Reduction.Ordered, 1);
        var fast = Losses(Reduction.Fast, 2);
        Assert.Equal(ordered[0], fast[0]); // before any step the weights are the same
        Assert.All(ordered.Zip(fast), pair => Assert.Equal(pair.First, pair.Second, 1e-3));

        static double[] Losses(Reduction reduction, int ranks)
        {
            var recipe = RankRuns.Change(t => t with { Reduction = reduction, GradientAccumulation = 5 });
            using var folder = new TemporaryFolder();
            RankRuns.Run(ranks, recipe, new RunOptions { Folder = folder.Path });
            return [.. JsonLinesLog.Read(folder.File(RunFolder.LogFile)).Select(r => r.Loss)];
        }
    }

    [Theory]
    [InlineData(ShardStage.None)]
    [InlineData(ShardStage.Gradients)]
    [InlineData(ShardStage.Parameters)]
    public void No_rank_leaves_tensors_behind(ShardStage shard)
    {
        var left = ThreadCommunicator.Run(2, communicator =>
        {
            long Live(int steps)
            {
                var recipe = RankRuns.Change(t => t with { Steps = steps, Shard = shard, Dtype = "bfloat16" });
                TinyRun.Trainer(recipe, new RunOptions { Communicator = communicator },
                    r => new MadeUpData(r) { VocabularySize = RankRuns.Vocabulary }).Run();
                return DisposeScopeManager.Statistics.ThreadTotalLiveCount;
            }
            Live(1);
            return Live(1) - Live(4);
        });
        Assert.Equal([0, 0], left);
    }
}
