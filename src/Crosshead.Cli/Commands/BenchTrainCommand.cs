using Crosshead.Attention;
using Crosshead.Cli.Benchmarking;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Training.Recipes;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead bench train</c>: times whole optimizer steps.</summary>
internal sealed class BenchTrainCommand() : BenchCommand("train",
    "Time whole optimizer steps: forward, backward, clipping, AdamW.", wholeModel: true, batch: 8, decodes: false,
    "crosshead bench train --dtype bfloat16",
    "crosshead bench train --variants gqa,mea --batch 8 --context 256 --seconds 20 --json")
{
    /// <inheritdoc/>
    protected override IEnumerable<BenchCase> Time(ModelOptions shape, BenchRun run)
    {
        var recipe = new TrainingOptions();
        using var model = new LanguageModel(shape, run.Type, run.Device);
        model.Initialize(recipe.Seed);
        using var optimizer = new AdamW(ParameterGroup.Split(model.Parameters, recipe), recipe.Beta1, recipe.Beta2,
            recipe.Epsilon);
        var step = new TrainingStep(model, optimizer, recipe.Clip);
        var timing = run.Time(() =>
        {
            using var scope = NewDisposeScope();
            step.Run([new TokenBatch(run.Tokens(shape.Context, shape.VocabularySize),
                run.Tokens(shape.Context, shape.VocabularySize))], recipe.LearningRate);
        });

        var (cost, tokens) = (ModelCost.Of(shape), (double)run.Batch * shape.Context);
        // Weights, gradients and both moments are each read at least once.
        double bytes = cost.Parameters * 4.0 * Precision.BytesOf(Precision.MasterOf(run.Type));
        return [new BenchCase($"{shape.Attention.Variant.NameOf()} step", timing, tokens,
            tokens * cost.TrainingFlops, bytes, bytes)];
    }
}
