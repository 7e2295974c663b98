using System.CommandLine;
using Crosshead.Attention;
using Crosshead.Cli.Benchmarking;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Training.Recipes;
using Crosshead.Training.Sharding;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead bench train</c>: times whole optimizer steps.</summary>
internal sealed class BenchTrainCommand : BenchCommand
{
    private readonly Option<ShardStage> _shard = new("--shard")
    {
        Description = "What several ranks share out, as training.shard of a recipe.",
        DefaultValueFactory = _ => new TrainingOptions().Shard,
    };
    private readonly Option<Reduction> _reduction = new("--reduction")
    {
        Description = "How several ranks add up their gradients, as training.reduction of a recipe.",
        DefaultValueFactory = _ => new TrainingOptions().Reduction,
    };
    private TrainingOptions _training = new();

    /// <summary>Describes the command.</summary>
    public BenchTrainCommand() : base("train",
        "Time whole optimizer steps: forward, backward, clipping, AdamW. Under mpirun, every rank has a batch of its "
            + "own.", wholeModel: true, batch: 8, decodes: false,
        "crosshead bench train --dtype bfloat16",
        "crosshead bench train --variants gqa,mea --batch 8 --context 256 --seconds 20 --json",
        "mpirun -n 2 crosshead bench train --dtype bfloat16 --shard optimizer")
    {
        Options.Add(_shard);
        Options.Add(_reduction);
    }

    /// <inheritdoc/>
    public override bool RunsOnRanks => true;

    /// <inheritdoc/>
    protected override void Read(ParseResult arguments, ModelOptions shape) => _training = _training with
    {
        Shard = arguments.GetValue(_shard),
        Reduction = arguments.GetValue(_reduction),
    };

    /// <inheritdoc/>
    protected override IEnumerable<BenchCase> Time(ModelOptions shape, BenchRun run)
    {
        var ranks = run.Communicator;
        var recipe = _training with { GradientAccumulation = ranks.Ranks };
        using var model = new LanguageModel(shape, run.Type, run.Device);
        using var together = ShardedTraining.Between(model, ParameterGroup.Split(model.Parameters, recipe), recipe,
            ranks);
        model.Initialize(recipe.Seed);
        using var optimizer = together.NewOptimizer(recipe);
        var step = new TrainingStep(model, optimizer, recipe.Clip) { Ranks = together };
        var timing = run.Time(() =>
        {
            using var scope = NewDisposeScope();
            step.Run([new TokenBatch(run.Tokens(shape.Context, shape.VocabularySize),
                run.Tokens(shape.Context, shape.VocabularySize))], recipe.LearningRate);
        });

        // Operations and bytes are those of one rank, so that shares are those of one device.
        var (cost, tokens) = (ModelCost.Of(shape), (double)run.Batch * shape.Context);
        // Weights, gradients and both moments are each read at least once.
        double bytes = cost.Parameters * 4.0 * Precision.BytesOf(Precision.MasterOf(run.Type));
        var several = ranks.Ranks > 1 ? $", {ranks.Ranks} ranks" : "";
        return [new BenchCase($"{shape.Attention.Variant.NameOf()} step{several}", timing, ranks.Ranks * tokens,
            tokens * cost.TrainingFlops, bytes, bytes)];
    }
}
