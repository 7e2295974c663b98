using System.CommandLine;
using System.Globalization;
using Crosshead.Cli.Options;
using Crosshead.Cli.Sweep;
using Crosshead.Cli.Terminal;
using Crosshead.Files;
using Crosshead.Reports.Studies;
using Crosshead.Training.Recipes;
using Crosshead.Training.Studies;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead sweep</c>: finds the learning rate of each variant with short runs.</summary>
internal sealed class SweepCommand : CliCommand
{
    private const string RatesExample = "1e-4,5e-4,1e-3,3e-3";

    private readonly Argument<string> _recipe = new("RECIPE.json")
    {
        Description = "What to train, on what and how; its variant, rate and schedule are those of the grid.",
    };
    private readonly Option<string?> _variants = new(VariantsOption.Name)
    {
        Description = VariantsOption.Description,
        HelpName = "a,b,…",
    };
    private readonly Option<string?> _models = new("--models")
    {
        Description = "In place of --variants, a JSON file of models: names, each with the values that it changes in "
            + "the recipe.",
        HelpName = "models.json",
    };
    private readonly Option<string> _schedule = NameOption.WithDefault("--schedule",
        "constant: the rate is constant after its warm-up, and the largest stable rate is chosen; recipe: the recipe's "
            + "schedule, and the rate with the lowest loss.", "constant", "constant", "recipe");
    private readonly Option<string> _rates = ListOption.Required("--learning-rates",
        "Learning rates, separated by commas.", RatesExample);
    private readonly Option<string?> _seeds =
        new("--seeds") { Description = "Seeds, separated by commas; without it the recipe's.", HelpName = "1,2,…" };
    private readonly Option<string> _seedsAt = NameOption.WithDefault("--seeds-at",
        "all: every seed has every rate; best: the seeds after the first have the rate of its lowest loss alone, with "
            + "--schedule recipe.", "all", "all", "best");
    private readonly Option<bool> _timeDecoding = new("--time-decoding")
    {
        Description = "Measure a decoding step of each model in the end, with a cache of the whole context.",
    };
    private readonly Option<string[]> _set = new("--set")
    {
        Description = "Overrides a value of the recipe; may be given several times. Lengths, schedule and evaluations "
            + "hold for the grid alone, all else for the full runs' recipes too.",
        HelpName = "path=value",
        DefaultValueFactory = _ => [],
    };
    private readonly WorkFolder _out = WorkFolder.Required("--out",
        "Folder for runs, recipes and report.html; the same command goes on where it was stopped.");
    private readonly Option<int> _parallel = NumberOption.WithDefault("--parallel", "Runs at a time, which share the "
        + "processors and, where the recipe's device is auto or cuda, take a GPU each in turn.", 1, 1024, 1);

    /// <summary>Describes the command.</summary>
    public SweepCommand() : base("sweep",
        "Find each variant's learning rate: short runs at constant rates, power laws fitted to their curves, the "
            + "largest stable rate, recipes for the full runs, and report.html.",
        $"crosshead sweep recipes/tiny.json --variants gqa,mea --learning-rates {RatesExample} --set "
            + $"training.steps=600 --set training.evalEvery=30 --out studies/tiny",
        "crosshead train studies/tiny/recipes/mea.json",
        "crosshead sweep recipes/code.json --models recipes/studies/half-cache.json --schedule recipe --learning-rates "
            + "1e-3,2e-3,4e-3 --seeds 1,2,3 --seeds-at best --time-decoding --out studies/half-cache")
    {
        Arguments.Add(_recipe);
        foreach (var option in new Option[]
        {
            _variants, _models, _rates, _seeds, _seedsAt, _schedule, _timeDecoding, _set,
        })
            Options.Add(option);
        Write(_out);
        Options.Add(_parallel);
        Options.Add(ThreadsOption.Create());
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var options = Read(arguments);
        WorkFolder.Check(_out.Name, options.Folder);
        var sweep = new SweepSession(options);
        var full = StudyRecipes.FullBasis(options.Recipe, options.Overrides);
        return (output, cancellation) => Run(options, sweep, full, output, cancellation);
    }

    private static int Run(SweepOptions options, SweepSession sweep, Recipe full, CommandOutput output,
        CancellationToken cancellation)
    {
        StudyReport Report() => SweepReport.Of(options, sweep.Basis, sweep.Measured());
        sweep.Run(() => StudyPage.Write(Report(), SweepFolder.Report(options.Folder)), output, cancellation);
        if (options.TimeDecoding) sweep.TimeDecoding(output, cancellation);

        var runs = sweep.Measured();
        var report = SweepReport.Of(options, sweep.Basis, runs);
        StudyPage.Write(report, SweepFolder.Report(options.Folder));
        var choices = options.Choose(runs);
        if (!cancellation.IsCancellationRequested) WriteRecipes(options, full, choices);

        SweepResult.Show(output, options, report);
        output.Result(SweepResult.Node(options, report, sweep.Basis, runs, choices));
        return cancellation.IsCancellationRequested ? ExitCode.Interrupted
            : runs.All(r => r.Status == RunStatus.Finished) ? ExitCode.Done : ExitCode.AnswerIsNo;
    }

    private SweepOptions Read(ParseResult arguments)
    {
        var (recipe, rates, seeds) = (arguments.GetRequiredValue(_recipe), arguments.GetRequiredValue(_rates),
            arguments.GetValue(_seeds));
        var (overrides, folder, parallel) = (arguments.GetRequiredValue(_set), _out.In(arguments)!,
            arguments.GetValue(_parallel));
        var constant = arguments.GetRequiredValue(_schedule) == "constant";
        var atBest = arguments.GetRequiredValue(_seedsAt) == "best";
        if (atBest && (constant || seeds is null))
            throw new CrossheadException($"{_seedsAt.Name} best needs {_seeds.Name} and {_schedule.Name} recipe, "
                + "where the rate with the lowest loss is chosen.");
        return new SweepOptions(recipe, Models(arguments.GetValue(_variants), arguments.GetValue(_models)),
            ListOption.Read(_rates.Name, rates, Rate, RatesExample),
            seeds is null ? [] : ListOption.Read(_seeds.Name, seeds, Seed, "1,2,3"),
            overrides, folder, arguments.GetValue(Outputs.Overwrite), parallel, constant, atBest,
            arguments.GetValue(_timeDecoding), TypedCommand.Of(arguments));
    }

    private IReadOnlyList<StudyModel> Models(string? variants, string? file) => (variants, file) switch
    {
        (not null, not null) => throw new CrossheadException(
            $"{_variants.Name} and {_models.Name} both say what is compared; use one of them."),
        (null, null) => throw new CrossheadException($"nothing says what is compared; name attention variants with "
            + $"{_variants.Name} gqa,mea, or a file of models with {_models.Name}."),
        (null, not null) => StudyModel.Read(file),
        _ => [.. VariantsOption.Read(variants).Select(StudyModel.Of)],
    };

    private double Rate(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var rate)
        && rate is > 0 and <= 10 ? rate
        : throw new CrossheadException(
            $"{_rates.Name} (\"{text}\") must be numbers above 0 and at most 10, such as {RatesExample}.");

    private long Seed(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seed) ? seed
        : throw new CrossheadException(
            $"{_seeds.Name} (\"{text}\") must be whole numbers from 0 to {int.MaxValue}, such as 1,2,3.");

    private static void WriteRecipes(SweepOptions options, Recipe basis, IReadOnlyList<RateChoice> choices)
    {
        foreach (var choice in choices)
        {
            var path = SweepFolder.FullRecipe(options.Folder, choice.Variant);
            if (choice.LargestStable is not { } rate)
            {
                if (File.Exists(path)) File.Delete(path); // of an earlier grid
                continue;
            }
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            AtomicFile.WriteText(path, StudyRecipes.Full(basis, choice.Variant,
                options.Models.First(m => m.Name == choice.Variant), rate.LearningRate).ToJson() + "\n");
        }
    }
}
