using Crosshead.Training.Logging;
using Crosshead.Training.Studies;

namespace Crosshead.Tests.Training.Studies;

public sealed class RateChoiceTests
{
    [Fact]
    public void The_largest_stable_rate_is_chosen_and_the_lowest_loss_told_beside_it()
    {
        var choice = Assert.Single(RateChoice.Of([Run(1e-3, 3.10), Run(3e-3, 3.00), Run(6e-3, 3.05), Run(1e-2, 3.07)]));
        Assert.Equal((6e-3, 3e-3), (choice.LargestStable!.LearningRate, choice.LowestLoss!.LearningRate));
        Assert.Equal([true, true, true, false], choice.Rates.Select(r => r.Stable));
        Assert.Equal("2.3 % above a smaller rate", choice.Rates[3].Why);
    }

    [Fact]
    public void A_small_rate_is_slow_not_unstable() =>
        Assert.All(RateChoice.Of([Run(1e-4, 5), Run(1e-3, 3)])[0].Rates, r => Assert.True(r.Stable));

    [Fact]
    public void A_run_that_diverged_or_ends_in_a_spike_is_not_stable()
    {
        var choice = RateChoice.Of([Run(1e-3, 3), Run(3e-3, 2.9, spike: true), Run(1e-2, null, RunStatus.Diverged)])[0];
        Assert.Equal([null, "ends in a spike", "diverged"], choice.Rates.Select(r => r.Why));
        Assert.Equal(1e-3, choice.LargestStable!.LearningRate);
        Assert.Equal(3e-3, choice.LowestLoss!.LearningRate);
    }

    [Theory]
    [InlineData(RunStatus.Failed, "failed")]
    [InlineData(RunStatus.Interrupted, "not finished")]
    [InlineData(RunStatus.Waiting, "not finished")]
    public void Of_a_run_that_did_not_finish_nothing_is_known(RunStatus status, string why)
    {
        var choice = RateChoice.Of([Run(1e-3, null, status)])[0];
        Assert.Equal((null, why), (choice.Rates[0].Stable, choice.Rates[0].Why));
        Assert.Null(choice.LargestStable);
        Assert.Null(choice.LowestLoss);
    }

    [Fact]
    public void Seeds_are_judged_together()
    {
        var choice = RateChoice.Of([Run(1e-3, 3.0, seed: 1), Run(1e-3, 3.2, seed: 2), Run(3e-3, 2.9, seed: 1),
            Run(3e-3, null, RunStatus.Diverged, seed: 2)])[0];
        Assert.Equal(3.1, choice.Rates[0].HeldOutLoss!.Value, 1e-12);
        Assert.Equal(1e-3, choice.LargestStable!.LearningRate);
    }

    [Fact]
    public void Each_variant_has_its_own_choice() =>
        Assert.Equal([("gqa", 1e-3), ("mea", 3e-3)], RateChoice.Of([Run(1e-3, 3), Run(3e-3, 4), Run(1e-3, 3,
            variant: "mea"), Run(3e-3, 2, variant: "mea")]).Select(c => (c.Variant, c.LargestStable!.LearningRate)));

    [Fact]
    public void A_log_is_read_for_its_curve_its_spikes_and_its_speed()
    {
        var run = Run(1e-3, 3).With([Step(1, 9), Step(2, 9, spike: true), Step(3, 9, spike: true), Step(4, 3, 4.5),
            Step(5, 9, spike: true), Step(6, 3, 4)], 0);
        Assert.Equal([(400.0, 4.5), (600.0, 4.0)], run.Curve);
        Assert.Equal([200.0, 500.0], run.SpikesAt);
        Assert.Equal((3, false, 4.0), (run.SpikeSteps, run.EndsInSpike, run.HeldOutLoss));
        Assert.Equal(40, run.TokensPerSecond);
        Assert.Contains("too few", run.FitRefusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1000, 0, 100, 0, 10)]
    [InlineData(1000, 100, 100, 0, 9)]
    [InlineData(1000, 100, 0, 0, 1)]
    [InlineData(1000, 100, 300, 0, 4)]
    [InlineData(1000, 100, 300, 200, 7)]
    [InlineData(999, 0, 100, 50, 20)]
    public void Evaluations_are_counted_as_the_trainer_makes_them(int steps, int warmup, int evalEvery,
        int checkpointEvery, int expected)
    {
        var recipe = new Crosshead.Training.Recipes.Recipe
        {
            Training = new()
            {
                Steps = steps,
                EvalEvery = evalEvery,
                CheckpointEvery = checkpointEvery,
                Schedule = new() { WarmupSteps = warmup },
            },
        };
        var counted = Enumerable.Range(1, steps).Count(s => s > warmup && (s == steps
            || (evalEvery > 0 && s % evalEvery == 0) || (checkpointEvery > 0 && s % checkpointEvery == 0)));
        Assert.Equal(expected, counted);
        Assert.Equal(counted, StudyRecipes.EvaluationsAfterWarmup(recipe));
    }

    [Fact]
    public void Without_tolerance_the_rate_of_the_lowest_mean_is_chosen_with_its_spread()
    {
        StudyRun Recalled(double rate, double loss, long seed, double share) =>
            Run(rate, loss, seed: seed) with { Recall = new Dictionary<string, double> { ["pairs_3"] = share } };
        var choice = RateChoice.Of([Recalled(1e-3, 3.0, 1, 0.5), Recalled(1e-3, 3.2, 2, 0.5),
            Recalled(2e-3, 2.9, 1, 0.6), Recalled(2e-3, 3.1, 2, 0.8), Recalled(3e-3, 3.01, 1, 0.9),
            Recalled(3e-3, 3.01, 2, 0.9)], 0)[0];
        Assert.Equal(2e-3, choice.LargestStable!.LearningRate);
        Assert.Equal(2, choice.Chosen!.Seeds);
        Assert.Equal((3.0, 0.1414), (choice.Chosen.Loss.Mean, Math.Round(choice.Chosen.Loss.Deviation!.Value, 4)));
        Assert.Equal((0.7, 0.1414), (Math.Round(choice.Chosen.Recall["pairs_3"].Mean, 9),
            Math.Round(choice.Chosen.Recall["pairs_3"].Deviation!.Value, 4)));
        Assert.Null(RateChoice.Of([Recalled(1e-3, 3, 1, 1)], 0)[0].Chosen!.Loss.Deviation);
    }

    private static StudyRun Run(double rate, double? loss, RunStatus status = RunStatus.Finished, bool spike = false,
        long seed = 1, string variant = "gqa")
    {
        var run = new StudyRun { Variant = variant, LearningRate = rate, Seed = seed, Status = status };
        return loss is null ? run : run.With([Step(1, 5, 5), Step(2, loss.Value, loss, spike)], 0);
    }

    private static TrainingStepRecord Step(long step, double loss, double? heldOut = null, bool spike = false) => new()
    {
        Step = step,
        Tokens = step * 100,
        Loss = loss,
        HeldOutLoss = heldOut,
        LearningRate = 1e-3,
        GradientNorm = 1,
        TokensPerSecond = step * 10,
        Spike = spike,
        Time = default,
    };
}
