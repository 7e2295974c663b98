using Crosshead.Attention;
using Crosshead.Kernels.Common;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Tests.Kernels;
using Crosshead.Tests.Runtime.Distributed;
using Crosshead.Tests.Training.Runs;
using Crosshead.Training.Recipes;
using Crosshead.Training.Sharding;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Tests.Training.Sharding;

public sealed class ShardedStepTests
{
    private const int StepCount = 3;

    // Buckets so small that each transformer block has one, and blocks are sent while the backward pass goes on.
    [Theory]
    [InlineData("float32", false, ShardStage.Gradients)]
    [InlineData("bfloat16", true, ShardStage.Gradients)]
    [InlineData("float64", false, ShardStage.Gradients)]
    [InlineData("float32", false, ShardStage.Parameters)]
    [InlineData("bfloat16", false, ShardStage.Parameters)]
    [InlineData("bfloat16", true, ShardStage.Parameters)]
    [InlineData("float64", true, ShardStage.Parameters)]
    public void Several_buckets_step_like_one_rank(string dtype, bool recomputes, ShardStage shard)
    {
        if (dtype != "float64") CpuKernels.Require();
        var one = Steps(0, dtype, recomputes, shard)[0];
        for (var ranks = 1; ranks <= 4; ranks++)
        {
            foreach (var values in Steps(ranks, dtype, recomputes, shard))
                // The norm of one rank in float64 is libtorch's, and sums in another order.
                Assert.All(one.Zip(values), pair => Assert.Equal(pair.First, pair.Second,
                    dtype == "float64" ? 1e-12 : 0));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void GPUs_step_like_one(int gpus)
    {
        Assert.SkipUnless(cuda_is_available() && cuda.device_count() >= gpus, $"there are no {gpus} CUDA devices");
        foreach (var (dtype, shard) in new[]
        {
            ("float32", ShardStage.Gradients), ("bfloat16", ShardStage.Optimizer), ("bfloat16", ShardStage.Gradients),
            ("float32", ShardStage.Parameters), ("bfloat16", ShardStage.Parameters),
        })
        {
            var one = Steps(0, dtype, recomputes: false, shard, "cuda")[0];
            var several = Steps(gpus, dtype, recomputes: false, shard, "cuda");
            // libtorch's kernels add some gradients in no fixed order, so only losses and norms are compared.
            Assert.All(one.Zip(several[0]).Take(2 * StepCount),
                pair => Assert.Equal(pair.First, pair.Second, 0.02 * Math.Abs(pair.First)));
            Assert.All(several, values => Assert.Equal(several[0], values));
        }
    }

    // Heads that mix are computed by products and a softmax, which have one order. In bfloat16 the fused kernels of
    // attention add up the gradients of queries in any order.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void GPUs_have_the_bits_of_one_where_kernels_have_one_order(int gpus)
    {
        Assert.SkipUnless(cuda_is_available() && cuda.device_count() >= gpus, $"there are no {gpus} CUDA devices");
        foreach (var (dtype, shard) in new[]
        {
            ("float32", ShardStage.Gradients), ("bfloat16", ShardStage.None), ("bfloat16", ShardStage.Optimizer),
            ("bfloat16", ShardStage.Gradients), ("bfloat16", ShardStage.Parameters),
        })
        {
            var one = Steps(0, dtype, false, shard, "cuda", AttentionVariant.TalkingHeads)[0];
            Assert.Equal(one, Steps(0, dtype, false, shard, "cuda", AttentionVariant.TalkingHeads)[0]);
            Assert.All(Steps(gpus, dtype, false, shard, "cuda", AttentionVariant.TalkingHeads),
                values => Assert.Equal(one, values));
        }
    }

    // Losses, norms and the values after some steps, of each rank; 0 ranks are a run without exchanges.
    private static double[][] Steps(int ranks, string dtype, bool recomputes, ShardStage shard, string device = "cpu",
        AttentionVariant variant = AttentionVariant.Mea)
    {
        var recipe = TinyRun.With(variant, dtype);
        recipe = recipe with
        {
            Model = recipe.Model with { Layers = 4 }, // more than there are places for
            Training = recipe.Training with { GradientAccumulation = 5, Clip = 0.1, Shard = shard },
        };
        return ThreadCommunicator.Run(Math.Max(1, ranks), communicator =>
        {
            using var model = new LanguageModel(recipe.Model, Precision.Parse(dtype),
                new Device(device == "cpu" ? device : $"{device}:{communicator.Rank}"));
            model.Initialize(recipe.Training.Seed);
            model.ActivationCheckpointing = recomputes;
            var groups = ParameterGroup.Split(model.Parameters, recipe.Training);
            using DataParallel together = ranks == 0 ? new OneRank(model, groups)
                : new SeveralRanks(model, groups, recipe.Training, communicator, leastBytes: 1);
            using var optimizer = together.NewOptimizer(recipe.Training);
            var step = new TrainingStep(model, optimizer, recipe.Training.Clip) { Ranks = together };
            var data = new MadeUpData(recipe);
            var numbers = new List<double>();
            for (var i = 0; i < StepCount; i++)
            {
                var batches = Enumerable.Range(5 * i, 5).Where(b => b % 5 % communicator.Ranks == communicator.Rank)
                    .Select(b => On(data.Batch(b), model.Device)).ToArray();
                var result = step.Run(batches, 1e-2);
                numbers.AddRange([result.Loss, result.GradientNorm]);
            }
            foreach (var parameter in model.Parameters)
                numbers.AddRange(parameter.Value.to(model.ComputeType).to(ScalarType.Float64).cpu().flatten()
                    .data<double>());
            return numbers.ToArray();
        });
    }

    private static TokenBatch On(TokenBatch batch, Device device)
    {
        using (batch) return new TokenBatch(batch.Tokens.to(device, copy: true), batch.Targets.to(device, copy: true));
    }

    [Fact]
    public void All_ranks_name_the_micro_batch_that_fails()
    {
        var recipe = TinyRun.With(AttentionVariant.Gqa, "float64"); // where the mean over no target is not a number
        recipe = recipe with { Training = recipe.Training with { GradientAccumulation = 5 } };
        var failed = ThreadCommunicator.Run(2, communicator =>
        {
            using var model = TinyRun.Model(recipe, ScalarType.Float64);
            var groups = ParameterGroup.Split(model.Parameters, recipe.Training);
            using var together = ShardedTraining.Between(model, groups, recipe.Training, communicator);
            using var optimizer = together.NewOptimizer(recipe.Training);
            var data = new MadeUpData(recipe);
            var batches = Enumerable.Range(0, 5).Where(b => b % 2 == communicator.Rank).Select(b =>
            {
                var batch = data.Batch(b);
                if (b == 3) batch.Targets.fill_(-100);
                return batch;
            }).ToArray();
            return new TrainingStep(model, optimizer, 1) { Ranks = together }.Run(batches, 1e-3).FailedMicroBatch;
        });
        Assert.Equal([3, 3], failed);
    }

    [Fact]
    public void Gradients_that_are_not_finite_are_seen_beside_a_finite_loss()
    {
        var recipe = TinyRun.Recipe;
        using var model = TinyRun.Model(recipe, ScalarType.Float32);
        using var ranks = new OneRank(model, []);
        using var batch = new MadeUpData(recipe).Batch(0);
        using var scope = NewDisposeScope();
        double[] Measured(Func<Tensor, Tensor> change) =>
            [.. ranks.AddGradients(() => change(model.Loss(batch.Tokens, batch.Targets))).data<double>()];
        Assert.All(Measured(loss => loss), number => Assert.True(double.IsFinite(number)));
        var numbers = Measured(loss => loss + (loss - loss).sqrt()); // whose slope is infinite at 0
        Assert.Equal((true, false), (double.IsFinite(numbers[0]), double.IsFinite(numbers[1])));
    }

    [Fact]
    public void Every_block_of_every_parameter_is_in_one_run()
    {
        var recipe = RankRuns.Recipe;
        using var model = TinyRun.Model(recipe, ScalarType.Float32);
        var groups = ParameterGroup.Split(model.Parameters, recipe.Training);
        foreach (var ranks in new[] { 1, 2, 3, 7, 100 })
        {
            var plan = ShardPlan.Of(groups, model.Parameters, ScalarType.Float32, ranks, leastBytes: 1);
            Assert.Equal(5, plan.Buckets.Count); // embedding, two transformer blocks, norm, head
            Assert.Equal(plan.Blocks, groups.SelectMany(g => g.Parameters)
                .Sum(p => (p.Value.NumberOfElements + TensorBlock.Length - 1) / TensorBlock.Length));
            var seen = new int[plan.Blocks];
            foreach (var bucket in plan.Buckets)
            {
                Assert.Equal(bucket.Length, bucket.Counts.Sum());
                foreach (var place in bucket.Parameters)
                {
                    var parts = Enumerable.Range(0, ranks).Select(r => bucket.PartOf(place, r)).ToArray();
                    Assert.Equal(place.Count, parts.Sum(p => p.Count));
                    Assert.All(parts, p => Assert.Equal(0, p.Start % TensorBlock.Length));
                    for (var rank = 0; rank < ranks; rank++)
                        foreach (var block in bucket.BlocksOf(place, rank)) seen[place.FirstBlock + block]++;
                }
            }
            Assert.All(seen, count => Assert.Equal(1, count));
        }
    }
}
