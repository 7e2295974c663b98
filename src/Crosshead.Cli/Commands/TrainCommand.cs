using System.CommandLine;
using System.Text.Json.Nodes;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Training.Recipes;
using Crosshead.Training.Runs;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead train</c>: trains a model by a recipe.</summary>
internal sealed class TrainCommand : CliCommand
{
    private readonly Argument<string> _recipe =
        new("RECIPE.json") { Description = "What to train, on what and how; see the folder recipes." };
    private readonly Option<string[]> _set = new("--set")
    {
        Description = "Overrides a value of the recipe, such as training.learningRate=3e-3; may be given "
            + "several times.",
        HelpName = "path=value",
        DefaultValueFactory = _ => [],
    };
    private readonly WorkFolder _out = WorkFolder.WithDefault("--out",
        "Folder of the run: log, TensorBoard events, checkpoints, the final model; without it runs/NAME.", null);
    private readonly Option<bool> _resume = new("--resume")
    {
        Description = "Go on exactly from the newest checkpoint in the folder; a finished run stays as it is.",
    };
    private readonly Option<string?> _from = new("--from")
    {
        Description = "Start from a model directory or checkpoint; a recipe without a model takes its shape "
            + "from there too.",
        HelpName = "model",
    };
    private readonly Option<string?> _teacher = new("--teacher")
    {
        Description = "Short for --set training.distillation.teacher=…: the original model, which the trained one is "
            + "to agree with.",
        HelpName = "model",
    };
    private readonly Option<string?> _device = new("--device")
    {
        Description = "Short for --set training.device=…: auto, cpu, cuda or cuda:n.",
        HelpName = "auto|cpu|cuda[:n]",
    };
    private readonly Option<string?> _type = new("--dtype")
    {
        Description = "Short for --set training.dtype=…; auto takes what is faster on the device, of bfloat16 and "
            + "float32. Master weights stay float32.",
        HelpName = "auto|float64|float32|bfloat16",
    };

    /// <summary>Describes the command.</summary>
    public TrainCommand() : base("train",
        "Train a model by a recipe: pretraining, continued pretraining, recovery. Ctrl-C finishes the step and saves; "
            + "--resume goes on.",
        "crosshead train recipes/tiny-mea.json --set data.folder=data/notes --set training.steps=500",
        "crosshead train recipes/tiny-mea.json --out runs/tiny-mea --resume",
        "crosshead train recipes/recover.json --from compressed --teacher original --set data.folder=data/notes --out "
            + "runs/recovered")
    {
        Arguments.Add(_recipe);
        Options.Add(_set);
        Write(_out);
        foreach (var option in new Option[] { _resume, _from, _teacher, _device, _type, ThreadsOption.Create() })
            Options.Add(option);
        RunOnRanks();
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var path = arguments.GetRequiredValue(_recipe);
        var run = new RunOptions
        {
            Folder = _out.In(arguments) ?? Path.Combine("runs", Recipe.NameOf(path, Overrides(arguments))),
            Resume = arguments.GetValue(_resume),
            From = arguments.GetValue(_from),
            Overwrite = arguments.GetValue(Outputs.Overwrite),
            Command = TypedCommand.Of(arguments),
        };
        var recipe = RunRecipe.Load(path, Overrides(arguments), run);
        WorkFolder.Check(_out.Name, run.Folder);
        new Trainer(recipe, run).Check();
        return (output, cancellation) => Train(recipe, run, output, cancellation);
    }

    private static int Train(Recipe recipe, RunOptions run, CommandOutput output, CancellationToken cancellation)
    {
        var folder = run.Folder;
        foreach (var model in new[] { run.From, recipe.Training.Distillation?.Teacher })
            ModelRemarks.TellWhereThere(model, output);

        TrainingResult result;
        var beginning = new List<string>
        {
            $"training {recipe.Name} for {recipe.TotalSteps} steps of {recipe.TokensPerStep} tokens into {folder}",
        };
        using (var line = output.Progress("training", "steps"))
        {
            // The notes are shown at the first step, so that a refused run shows only its one line of error.
            void Begin()
            {
                foreach (var said in beginning) line.Say(said);
                beginning.Clear();
            }
            var trainer = new Trainer(recipe, run with
            {
                Communicator = output.Communicator,
                OnNote = beginning.Add,
                OnEvaluation = point =>
                {
                    Begin();
                    line.Say($"step {point.Step}: training loss {point.TrainingLoss:0.0000}, held-out loss "
                        + $"{Loss(point.HeldOutLoss)}{Recalled(point.Recall)}");
                },
            });
            result = trainer.Run(new ImmediateProgress<TrainingProgress>(p =>
            {
                Begin();
                line.Report(_ => Live(p));
            }), cancellation);
        }

        var table = new ResultTable("property", "value>")
            .Row("steps", $"{result.Step} of {recipe.TotalSteps}")
            .Row("tokens", Quantity.Count(result.Tokens))
            .Row("held-out loss", Loss(result.HeldOutLoss))
            .Row("best held-out loss", Loss(result.BestHeldOutLoss));
        foreach (var (task, share) in result.Recall ?? new Dictionary<string, double>())
            table.Row($"recall of {task}", $"{share:P1}");
        output.Table(table
            .Row("speed", result.WasFinished ? "–" : $"{Quantity.Count(result.TokensPerSecond)} tokens/s")
            .Row("precision", $"{result.Precision}")
            .Row("loss spikes", $"{result.Spikes}")
            .Row("checkpoint", result.Checkpoint ?? "–")
            .Row("model", result.Model ?? "–"));
        output.Line(result.WasFinished
            ? $"The run is finished at step {result.Step}, and nothing was left to do; a larger {recipe.LengthKey} "
                + $"continues it: --set {recipe.LengthKey}=…"
            : result.Interrupted
            ? $"Interrupted, its state saved: the same command with --resume --out {ShellWord.Of(folder!)} goes on "
                + "exactly from here."
            : $"Losses are in nats a token, lower is better. Sample from it: crosshead generate "
            + $"{ShellWord.Of(result.Model ?? "MODEL")} --prompt \"…\"");
        output.Result(Node(recipe, result));
        return result.Interrupted ? ExitCode.Interrupted : ExitCode.Done;
    }

    private IEnumerable<string> Overrides(ParseResult arguments)
    {
        foreach (var assignment in arguments.GetRequiredValue(_set))
            yield return assignment;
        if (arguments.GetValue(_teacher) is { } teacher)
            yield return $"training.distillation.teacher={teacher}";
        if (arguments.GetValue(_device) is { } device)
            yield return $"training.device={device}";
        if (arguments.GetValue(_type) is { } type)
            yield return $"training.dtype={type}";
    }

    private static string Live(TrainingProgress p) =>
        $"step {p.Step} of {p.Steps}, loss {p.Loss:0.000}, held-out {Loss(p.HeldOutLoss)}, "
        + $"{Quantity.Count(p.TokensPerSecond)} tokens/s, "
        + $"{(p.ShareOfPeak is { } share ? $"{share:P0} of peak, " : "")}{Quantity.Time(p.TimeLeft)} left";

    private static string Recalled(IReadOnlyDictionary<string, double>? recall) =>
        recall is null ? "" : $", recall {string.Join(", ", recall.Select(r => $"{r.Key} {r.Value:P1}"))}";

    private static string Loss(double? loss) => loss is { } value ? $"{value:0.0000}" : "–";

    private static JsonObject Node(Recipe recipe, TrainingResult result) => new()
    {
        ["name"] = recipe.Name,
        ["step"] = result.Step,
        ["steps"] = recipe.TotalSteps,
        ["end"] = $"{result.End}".ToLowerInvariant(),
        ["trainingLoss"] = CommandOutput.Number(result.TrainingLoss),
        ["heldOutLoss"] = result.HeldOutLoss is { } loss ? CommandOutput.Number(loss) : null,
        ["bestHeldOutLoss"] = result.BestHeldOutLoss is { } best ? CommandOutput.Number(best) : null,
        ["recall"] = result.Recall is { } recall
            ? new JsonObject(recall.Select(r => KeyValuePair.Create<string, JsonNode?>(r.Key, r.Value))) : null,
        ["tokens"] = result.Tokens,
        ["tokensPerSecond"] = CommandOutput.Number(result.TokensPerSecond),
        ["dtype"] = result.Precision.Dtype,
        ["dtypeReason"] = result.Precision.Reason,
        ["vectorBits"] = result.VectorBits,
        ["spikes"] = result.Spikes,
        ["checkpoint"] = result.Checkpoint,
        ["model"] = result.Model,
    };
}
