using System.Text.RegularExpressions;
using Crosshead.Attention;
using Crosshead.Training.Recipes;
using Crosshead.Training.Runs;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Tests.Training.Runs;

/// <summary>Runs that break down, and what they say of where to go back to.</summary>
public sealed class DivergenceTests
{
    [Fact]
    public void A_loss_that_is_not_finite_stops_the_run()
    {
        var recipe = TinyRun.Recipe with { Model = TinyRun.Recipe.Model with { InitializerRange = 1e30 } };
        var error = Assert.Throws<TrainingDivergedException>(() => TinyRun.Trainer(recipe, new RunOptions()).Run());
        Assert.Contains("training broke down at step 1: ", error.Message);
        Assert.Contains("not finite", error.Message);
        Assert.Contains("start again with a lower training.learningRate", error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    // Weights are multiplied by 1 − 10·10 at every step: they overflow after some twenty.
    private static readonly Recipe Overflowing = TinyRun.Change(t => t with
    {
        Steps = 60,
        LearningRate = 10,
        WeightDecay = 10,
        Schedule = new ScheduleOptions { Kind = ScheduleKind.Constant, WarmupSteps = 0 },
        Spike = new SpikeOptions { Window = 1000 },
        EvalEvery = 0,
        CheckpointEvery = 3,
    });

    [Fact]
    public void A_loss_that_stops_being_finite_names_the_checkpoint_from_before()
    {
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<TrainingDivergedException>(
            () => TinyRun.Trainer(Overflowing, new RunOptions { Folder = folder.Path }).Run());
        var found = Regex.Match(error.Message, @"^training broke down at step (\d+): loss \S+, gradient norm \S+, "
            + @"learning rate 1e\+1: .* is not finite; go back with `From` \S+step-(\d{8}) ");
        Assert.True(found.Success, error.Message);
        Assert.InRange(long.Parse(found.Groups[1].Value) - long.Parse(found.Groups[2].Value), 1, 3);
    }

    [Fact]
    public void A_held_out_loss_that_is_not_finite_stops_the_run_too()
    {
        var recipe = TinyRun.With(AttentionVariant.Gqa, "float64"); // where the mean over no target is not a number
        var error = Assert.Throws<TrainingDivergedException>(
            () => TinyRun.Trainer(recipe, new RunOptions(), r => new HeldOutWithoutTargets(new MadeUpData(r))).Run());
        Assert.Contains("training broke down at step 4: ", error.Message);
        Assert.Contains("the held-out loss (NaN) is not finite", error.Message);
    }

    [Fact]
    public void A_spike_without_recovery_is_logged_and_stops_the_run_with_the_checkpoint_to_go_back_to()
    {
        using var folder = new TemporaryFolder();
        var recipe = TinyRun.Change(t => t with
        {
            Steps = 100,
            LearningRate = 1e-2,
            CheckpointEvery = 10,
            Spike = new SpikeOptions { Window = 10, Rise = 0.5, Deviations = 3, Patience = 5 },
        });
        var trainer = TinyRun.Trainer(recipe, new RunOptions { Folder = folder.Path },
            r => new Shifted(new MadeUpData(r), at: 45));
        var error = Assert.Throws<TrainingDivergedException>(() => trainer.Run());
        Assert.Contains("training broke down at step", error.Message);
        Assert.Contains("learning rate", error.Message);
        Assert.Contains("step-00000040", error.Message);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Contains(Crosshead.Training.Logging.JsonLinesLog.Read(folder.File("log.jsonl")), r => r.Spike);
    }

    /// <summary>From one batch on nothing follows from anything: what was learned no longer helps.</summary>
    private sealed class Shifted(MadeUpData data, int at) : WrappedData(data)
    {
        private int _count;

        public override TokenBatch Next(Device device)
        {
            var batch = base.Next(device);
            if (_count++ < at) return batch;
            using var scope = NewDisposeScope();
            batch.Targets.copy_((batch.Tokens * 11 + 5).remainder(32));
            return batch;
        }
    }

    private sealed class HeldOutWithoutTargets(MadeUpData data) : WrappedData(data)
    {
        public override IEnumerable<TokenBatch> HeldOut(int most, Device device)
        {
            foreach (var batch in base.HeldOut(most, device))
            {
                batch.Targets.fill_(-100);
                yield return batch;
            }
        }
    }
}
