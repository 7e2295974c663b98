using System.CommandLine;
using Crosshead.Attention;
using Crosshead.Cli.Benchmarking;
using Crosshead.Cli.Options;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;
using Crosshead.Training.Recipes;
using Crosshead.Training.Sharding;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead bench train</c>: times whole optimizer steps.</summary>
internal sealed class BenchTrainCommand : BenchCommand
{
    private readonly Option<string> _shard = NameOption.WithDefault("--shard",
        "What several ranks share out, as training.shard of a recipe.", new TrainingOptions().Shard);
    private readonly Option<string> _reduction = NameOption.WithDefault("--reduction",
        "How several ranks add up their gradients, as training.reduction of a recipe.",
        new TrainingOptions().Reduction);
    private readonly Option<string> _moments = NameOption.WithDefault("--moments",
        "Precision of AdamW's moments, as training.moments of a recipe.", new TrainingOptions().Moments);
    private readonly Option<bool> _checkpointing = new("--activation-checkpointing")
    {
        Description = "Compute each layer again in the backward pass, as training.activationCheckpointing of a recipe.",
    };
    private TrainingOptions _training = new();

    /// <summary>Describes the command.</summary>
    public BenchTrainCommand() : base("train",
        "Time whole optimizer steps: forward, backward, clipping, AdamW. Every rank has a batch of its own.",
        wholeModel: true, batch: 8, decodes: false,
        "crosshead bench train --dtype bfloat16",
        "crosshead bench train --variants gqa,mea --batch 8 --context 256 --seconds 20 --json",
        "crosshead bench train --dtype bfloat16 --ranks 2 --shard optimizer")
    {
        Options.Add(_shard);
        Options.Add(_reduction);
        Options.Add(_moments);
        Options.Add(_checkpointing);
        RunOnRanks();
    }

    /// <inheritdoc/>
    protected override void Read(ParseResult arguments, ModelOptions shape) => _training = _training with
    {
        Shard = arguments.GetNamed<ShardStage>(_shard),
        Reduction = arguments.GetNamed<Reduction>(_reduction),
        Moments = arguments.GetNamed<MomentPrecision>(_moments),
        ActivationCheckpointing = arguments.GetValue(_checkpointing),
    };

    /// <inheritdoc/>
    protected override IEnumerable<BenchCase> Time(ModelOptions shape, BenchRun run)
    {
        var ranks = run.Communicator;
        var recipe = _training with { GradientAccumulation = ranks.Ranks };
        using var model = new LanguageModel(shape, run.Type, run.Device);
        using var together = ShardedTraining.Between(model, ParameterGroup.Split(model.Parameters, recipe), recipe,
            ranks);
        model.ActivationCheckpointing = recipe.ActivationCheckpointing;
        model.InitializeForTiming(recipe.Seed);
        using var optimizer = together.NewOptimizer(recipe);
        var step = new TrainingStep(model, optimizer, recipe.Clip) { Ranks = together };
        var exchanges = new List<ExchangeTimes>();
        var timing = run.Time(() =>
        {
            using var scope = NewDisposeScope();
            exchanges.Add(together.TakeExchangeTimes()); // of the step before, which is done
            step.Run([new TokenBatch(run.Tokens(shape.Context, shape.VocabularySize),
                run.Tokens(shape.Context, shape.VocabularySize))], recipe.LearningRate);
        });

        exchanges.Add(together.TakeExchangeTimes());
        TimeSpan Median(Func<ExchangeTimes, TimeSpan> time) =>
            exchanges.TakeLast(timing.Repetitions).Select(time).Order().ElementAt(timing.Repetitions / 2);

        // Operations and bytes are those of one rank, so that shares are those of one device.
        var (cost, tokens) = (ModelCost.Of(shape), (double)run.Batch * shape.Context);
        // Weights, gradients and both moments are each read at least once.
        double bytes = cost.Parameters * 4.0 * Precision.BytesOf(Precision.MasterOf(run.Type));
        var several = ranks.Ranks > 1 ? $", {ranks.Ranks} ranks" : "";
        return [new BenchCase($"{shape.Attention.Variant.NameOf()} step{several}", timing, ranks.Ranks * tokens,
            tokens * cost.TrainingFlops, bytes, bytes)
        {
            Exchanges = ranks.Ranks == 1 ? null : new ExchangeTimes(Median(t => t.Exchanged), Median(t => t.Waited)),
        }];
    }
}
