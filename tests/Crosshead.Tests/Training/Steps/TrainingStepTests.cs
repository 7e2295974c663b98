using Crosshead.Attention;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Tests.Training.Runs;
using Crosshead.Training.Recipes;
using Crosshead.Training.Steps;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Tests.Training.Steps;

public sealed class TrainingStepTests
{
    private static readonly Recipe Recipe = TinyRun.With(AttentionVariant.Mea);

    [Theory]
    [InlineData(AttentionVariant.Gqa)]
    [InlineData(AttentionVariant.Mea)]
    [InlineData(AttentionVariant.Differential)]
    public void Activation_checkpointing_changes_no_gradient(AttentionVariant variant)
    {
        using var model = TinyRun.Model(TinyRun.With(variant), ScalarType.Float64);
        var (plain, loss) = Gradients(model);
        model.ActivationCheckpointing = true;
        var (recomputed, again) = Gradients(model);
        Assert.Equal(loss, again, 13);
        foreach (var (name, gradient) in plain)
            Assert.Equal(gradient, recomputed[name], (a, b) => Math.Abs(a - b) < 1e-13);
    }

    [Fact]
    public void A_mixture_of_experts_learns_router_included()
    {
        var recipe = Recipe with
        {
            Model = Recipe.Model with
            {
                Experts = new() { Count = 4, PerToken = 2, InnerSize = 16, DenseLayers = [0] },
                Layers = 2,
            },
        };
        using var model = TinyRun.Model(recipe, ScalarType.Float32);
        model.ActivationCheckpointing = true;
        using var optimizer = TinyRun.Optimizer(model, recipe.Training);
        var router = model.Parameters.Single(p => p.Name == "model.layers.1.mlp.gate.weight");
        using var before = router.Value.detach().clone();
        var step = new TrainingStep(model, optimizer, 1);
        // the same batch again and again
        var losses = Enumerable.Range(0, 30)
            .Select(_ => step.Run([new MadeUpData(recipe).Next(CPU)], 1e-2).Loss).ToArray();
        Assert.True(losses[^1] < losses[0] / 2, $"{losses[0]} → {losses[^1]}");
        Assert.False(router.Value.equal(before).all().item<bool>());
    }

    [Theory]
    [InlineData(0.01)]
    [InlineData(0)]
    [InlineData(1e6)]
    public void Clipping_divides_all_gradients_by_their_norm_over_the_limit(double clip)
    {
        // After one step without decay the first moment is (1 − β₁) of the clipped gradient.
        using var model = TinyRun.Model(Recipe, ScalarType.Float64);
        var gradients = Gradients(model).ByName;
        foreach (var parameter in model.Parameters) parameter.Value.grad = null;
        using var optimizer = TinyRun.Optimizer(model, Recipe.Training);
        var result = new TrainingStep(model, optimizer, clip).Run([new MadeUpData(Recipe).Next(CPU)], 1e-3);

        var norm = Math.Sqrt(gradients.Values.Sum(g => g.Sum(x => x * x)));
        Assert.Equal(norm, result.GradientNorm, 12);
        var factor = clip > 0 ? 0.1 * Math.Min(1, clip / norm) : 0.1;
        foreach (var (name, moment) in optimizer.State.Where(
            s => s.Key.StartsWith("exp_avg.", StringComparison.Ordinal)))
        {
            var expected = gradients[name["exp_avg.".Length..]];
            Assert.Equal(expected.Select(g => g * factor), moment.flatten().data<double>().ToArray(),
                (a, b) => Math.Abs(a - b) <= 1e-12 + (1e-6 * Math.Abs(a)));
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void A_step_is_the_same_bit_for_bit_again(ScalarType type)
    {
        Func<TrainingStep, double, StepResult> Steps()
        {
            var data = new MadeUpData(Recipe);
            return (step, rate) => step.Run([data.Next(CPU), data.Next(CPU)], rate);
        }
        var (first, second) = (Weights(type, Steps()), Weights(type, Steps()));
        Assert.Equal(first.Losses, second.Losses);
        Assert.Equal(first.Values, second.Values);
    }

    [Theory]
    [InlineData(AttentionVariant.Gqa)]
    [InlineData(AttentionVariant.Mea)]
    public void Steps_are_the_same_bit_for_bit_on_any_number_of_threads(AttentionVariant variant)
    {
        var recipe = TinyRun.With(variant); // large enough that operators and kernels do share their work
        recipe = recipe with
        {
            Model = recipe.Model with
            {
                VocabularySize = 256,
                HiddenSize = 64,
                Context = 64,
                Attention = recipe.Model.Attention with { KeyValueHeads = 4 },
            },
            Training = recipe.Training with { Batch = 4 },
        };
        var before = get_num_threads();
        try
        {
            var weights = new List<double[]>();
            foreach (var threads in new[] { 1, 2, 3 })
            {
                ComputeThreads.UseHere(threads);
                using var scope = NewDisposeScope();
                using var model = TinyRun.Model(recipe, ScalarType.Float32);
                using var optimizer = TinyRun.Optimizer(model, recipe.Training);
                var (step, data) = (new TrainingStep(model, optimizer, 1), new MadeUpData(recipe));
                for (var i = 0; i < 3; i++) step.Run([data.Next(CPU)], 1e-2);
                weights.Add([.. model.Parameters.SelectMany(
                    p => p.Value.detach().to(ScalarType.Float64).flatten().data<double>().ToArray())]);
            }
            Assert.Equal(weights[0], weights[1]);
            Assert.Equal(weights[0], weights[2]);
        }
        finally
        {
            ComputeThreads.UseHere(before);
        }
    }

    [Theory]
    [InlineData(AttentionVariant.Gqa, false)]
    [InlineData(AttentionVariant.Mea, true)]
    [InlineData(AttentionVariant.TalkingHeads, false)]
    [InlineData(AttentionVariant.Differential, true)]
    public void A_step_leaves_no_tensor_behind(AttentionVariant variant, bool checkpointing)
    {
        var recipe = TinyRun.With(variant, "bfloat16");
        using var model = TinyRun.Model(recipe, ScalarType.BFloat16);
        model.ActivationCheckpointing = checkpointing;
        using var optimizer = TinyRun.Optimizer(model, recipe.Training);
        var step = new TrainingStep(model, optimizer, 1);
        var data = new MadeUpData(recipe);
        var alive = new List<long>();
        for (var i = 0; i < 5; i++)
        {
            step.Run([data.Next(CPU), data.Next(CPU)], 1e-3);
            alive.Add(DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        }
        Assert.All(alive.Skip(1), count => Assert.Equal(alive[1], count));
    }

    private static (Dictionary<string, double[]> ByName, double Loss) Gradients(LanguageModel model)
    {
        using var scope = NewDisposeScope();
        foreach (var parameter in model.Parameters) parameter.Value.grad = null;
        using var batch = new MadeUpData(Recipe).Next(CPU);
        var loss = model.Loss(batch.Tokens, batch.Targets);
        loss.backward();
        return (model.Parameters.ToDictionary(p => p.Name,
            p => p.Value.grad!.contiguous().flatten().data<double>().ToArray()), loss.item<double>());
    }

    private static (double[] Losses, double[] Values) Weights(ScalarType type,
        Func<TrainingStep, double, StepResult> run)
    {
        using var model = TinyRun.Model(Recipe, type);
        var losses = Run(model, run);
        using var scope = NewDisposeScope();
        return (losses, [.. model.Parameters.SelectMany(
            p => p.Value.detach().to(ScalarType.Float64).flatten().data<double>().ToArray())]);
    }

    private static double[] Run(LanguageModel model, Func<TrainingStep, double, StepResult> run)
    {
        using var optimizer = TinyRun.Optimizer(model, Recipe.Training);
        var step = new TrainingStep(model, optimizer, 1);
        return [.. Enumerable.Range(1, 4).Select(i => run(step, 1e-3 * i).Loss)];
    }
}
