using System.CommandLine;
using Crosshead.Attention;
using Crosshead.Checkpoints;
using Crosshead.Cli.Benchmarking;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Cli.Commands;

/// <summary>
/// The common part of the benchmarks: the model's shape, the variants, the device, and the time per case.
/// </summary>
internal abstract class BenchCommand : CliCommand
{
    private readonly Option<string> _variants = new(VariantsOption.Name)
    {
        Description = VariantsOption.Description,
        HelpName = "a,b,…",
        DefaultValueFactory = _ => "gqa,mea",
    };
    private readonly Option<int> _width, _heads, _context, _batch;
    private readonly Option<int>? _layers, _vocabulary;
    private readonly Option<int?> _groups;
    private readonly Option<int?>? _feedForward;
    private readonly Option<string?>? _config;
    private readonly Option<double> _seconds = NumberOption.WithDefault("--seconds",
        "Time to spend on each case, in seconds.", 0.01, 3600, 3.0);
    private readonly ComputeOptions _compute;

    /// <summary>Describes the command.</summary>
    /// <param name="name">The command's name.</param>
    /// <param name="description">What the command times.</param>
    /// <param name="wholeModel">Whether whole models are timed, which have layers and a vocabulary. Otherwise one layer
    /// is timed.</param>
    /// <param name="batch">Default number of sequences per batch.</param>
    /// <param name="decodes">Whether the command decodes with a cache.</param>
    /// <param name="examples">Whole command lines shown in the help.</param>
    protected BenchCommand(string name, string description, bool wholeModel, int batch, bool decodes,
        params string[] examples)
        : base(name, description, examples)
    {
        _width = NumberOption.WithDefault("--dim", "Width of the model.", 1, 1 << 20, new ModelOptions().HiddenSize);
        _layers = wholeModel
            ? NumberOption.WithDefault("--layers", "Layers.", 1, 10_000, new ModelOptions().Layers) : null;
        _heads = NumberOption.WithDefault("--heads", "Query heads.", 1, 1 << 16, new AttentionOptions().Heads);
        _groups = NumberOption.Optional("--kv-heads",
            "Key and value heads; as many as query heads without it.", 1, 1 << 16);
        _vocabulary = wholeModel ? NumberOption.WithDefault("--vocab", "Tokens of the vocabulary.", 1, 1 << 24,
            new ModelOptions().VocabularySize) : null;
        _feedForward = wholeModel ? NumberOption.Optional("--ffn",
            "Inner width of the feed-forward layers; what the model's width suggests without it.", 1, 1 << 24) : null;
        _config = wholeModel ? new Option<string?>("--config")
        {
            Description = "A config.json, model directory or GGUF file whose shape takes the place of all of the above "
                + "but the variant.",
            HelpName = "file",
        } : null;
        _context = NumberOption.WithDefault("--context", "Tokens of a sequence.", 1, 1 << 24,
            new ModelOptions().Context);
        _batch = NumberOption.WithDefault("--batch", "Sequences at once.", 1, 1 << 20, batch);
        foreach (var option in new Option?[]
        {
            _variants, _width, _layers, _heads, _groups, _feedForward, _vocabulary, _config, _context, _batch, _seconds,
        })
        {
            if (option is not null)
                Options.Add(option);
        }
        _compute = new ComputeOptions(this, "float32", decodes);
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var shapes = VariantsOption.Read(arguments.GetRequiredValue(_variants))
            .Select(variant => Shape(arguments, variant)).ToArray();
        foreach (var shape in shapes)
            shape.Validate();
        Read(arguments, shapes[0]);
        var (device, type) = (_compute.Device(arguments), _compute.Type(arguments) ?? ScalarType.Float32);
        var run = new BenchRun(device, type, arguments.GetValue(_batch), arguments.GetValue(_seconds))
        {
            Cache = _compute.Cache(arguments, type, device),
            Activations = _compute.Activations(arguments),
        };
        foreach (var shape in shapes) Check(shape, run);
        return (output, cancellation) => Time(shapes, run with
        {
            Cancel = cancellation,
            Communicator = output.Communicator,
            Device = _compute.Device(arguments, output.Communicator),
        }, output);
    }

    private int Time(ModelOptions[] shapes, BenchRun run, CommandOutput output)
    {
        IReadOnlyList<BenchCase> cases;
        Ceilings ceilings;
        BenchSetting setting;
        using (var progress = output.Progress("timing", "variants"))
        {
            var timed = new List<BenchCase>();
            foreach (var shape in shapes)
            {
                progress.Report(
                    elapsed => $"timing {shape.Attention.Variant.NameOf()}, {Quantity.Time(elapsed)} so far");
                timed.AddRange(Time(shape, run));
            }
            setting = BenchSetting.Of(Describe(shapes[0], run), run.Device, run.Type);
            // Last, because libtorch keeps the memory that it takes.
            ceilings = Ceilings.Of(run.Device, run.Type, run.Cancel);
            cases = ceilings.Mark(timed, run.Device, run.Cancel);
        }
        BenchCase.Write(output, cases, ceilings, setting);
        return ExitCode.Done;
    }

    /// <summary>Reads a derived command's own options, before anything is timed.</summary>
    /// <exception cref="CrossheadException">The options do not fit the shape.</exception>
    protected virtual void Read(ParseResult arguments, ModelOptions shape) { }

    /// <summary>Checks that a shape can be timed, before anything is.</summary>
    /// <exception cref="CrossheadException">It cannot.</exception>
    protected virtual void Check(ModelOptions shape, BenchRun run) { }

    /// <summary>Times the cases of one model shape.</summary>
    protected abstract IEnumerable<BenchCase> Time(ModelOptions shape, BenchRun run);

    private string Describe(ModelOptions shape, BenchRun run)
    {
        var layer = $"width {shape.HiddenSize}, {shape.Attention.Heads}/{shape.Attention.KeyValueHeads} heads, context "
            + $"{shape.Context}, batch {run.Batch}";
        return _layers is null ? $"one layer of {layer}"
            : $"{Quantity.Count(ModelCost.Of(shape).Parameters)} parameters, {shape.Layers} layers, feed-forward "
            + $"{shape.FeedForward}, vocabulary {shape.VocabularySize}, {layer}";
    }

    private ModelOptions Shape(ParseResult arguments, AttentionVariant variant)
    {
        if (_config is null || arguments.GetValue(_config) is not { } path) return Given(arguments, variant);
        arguments.Refuse($"and {_config.Name} both give the shape; leave one of them out.", _width, _layers, _heads,
            _groups, _feedForward, _vocabulary);
        var shape = ModelDescription.ShapeOf(path);
        return shape with
        {
            Context = arguments.IsGiven(_context) ? arguments.GetValue(_context) : shape.Context,
            Attention = shape.Attention with { Variant = variant },
        };
    }

    private ModelOptions Given(ParseResult arguments, AttentionVariant variant) => new()
    {
        HiddenSize = arguments.GetValue(_width),
        FeedForwardSize = _feedForward is null ? null : arguments.GetValue(_feedForward),
        Layers = _layers is null ? 1 : arguments.GetValue(_layers),
        VocabularySize = _vocabulary is null ? new ModelOptions().VocabularySize : arguments.GetValue(_vocabulary),
        Context = arguments.GetValue(_context),
        Attention = new AttentionOptions
        {
            Variant = variant,
            Heads = arguments.GetValue(_heads),
            KeyValueHeads = arguments.GetValue(_groups) ?? arguments.GetValue(_heads),
        },
    };
}
