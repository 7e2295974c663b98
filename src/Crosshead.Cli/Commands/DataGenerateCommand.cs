using System.CommandLine;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Data.Shards;
using Crosshead.Files;
using Crosshead.Generation;
using Crosshead.TextModels;
using static TorchSharp.torch;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead data generate</c>: writes token shards with text that a model generates.</summary>
internal sealed class DataGenerateCommand : CliCommand
{
    private readonly Argument<string> _model = ModelArgument.Create();
    private readonly Option<long?> _tokens = NumberOption.Optional("--tokens", "Tokens to write, exactly: the document "
        + "that reaches the number is cut there, and those written beside it are dropped.", 1L, 1L << 50);
    private readonly WorkFolder _out = WorkFolder.Required("--out",
        "Folder for the shards and their manifest; the same command goes on with what it left there.");
    private readonly Option<double> _temperature = NumberOption.WithDefault("--temperature",
        "Divides the logits; 1 draws what the model has learned.", 0.0, 100, new SamplingOptions().Temperature);
    private readonly Option<int> _topK = NumberOption.WithDefault("--top-k",
        "Keep the k most likely tokens; 0 keeps all.", 0, int.MaxValue, new SamplingOptions().TopK);
    private readonly Option<double> _topP = SamplingArguments.TopP();
    private readonly Option<double> _minP = NumberOption.WithDefault("--min-p",
        "Keep tokens at least this many times as likely as the most likely.", 0.0, 1, new SamplingOptions().MinP);
    private readonly Option<long> _seed = NumberOption.WithDefault("--seed",
        "Start of the random numbers; the same seed writes the same tokens.", 0, long.MaxValue, 0L);
    private readonly Option<string?> _prompts = new("--prompt-file")
    {
        Description = "A UTF-8 text file; each of its lines begins a document, in turn. Without it documents begin "
            + "with the begin token alone.",
        HelpName = "file",
    };
    private readonly Option<int?> _maxTokens = NumberOption.Optional("--max-tokens",
        "Most tokens of a document; without it the model's context.", 2, int.MaxValue);
    private readonly Option<int> _batch = NumberOption.WithDefault("--batch",
        "Most documents written side by side.", 1, 4096, 32);
    private readonly Option<double> _heldOut = NumberOption.WithDefault("--held-out",
        "Share of the documents kept aside for evaluation.", 0.0, 0.5, new DataPreparationOptions().HeldOutFraction);
    private readonly Option<long> _shardTokens = NumberOption.WithDefault("--shard-tokens",
        "Tokens after which a shard ends.", 1, 1L << 30, new DataPreparationOptions().ShardTokens);
    private readonly ComputeOptions _compute;

    /// <summary>Describes the command.</summary>
    public DataGenerateCommand() : base("generate",
        "Let a model write its own training text, as token shards: for recovery without the data it was trained on. "
            + "Run again, it goes on where it was stopped.",
        "crosshead data generate models/original --tokens 2000000 --out data/generated",
        "crosshead data generate models/original --tokens 2000000 --temperature 0.9 --prompt-file beginnings.txt --out "
            + "data/generated")
    {
        _tokens.Required = true;
        Arguments.Add(_model);
        Options.Add(_tokens);
        Write(_out);
        foreach (var option in new Option[]
        {
            _temperature, _topK, _topP, _minP, _seed, _prompts, _maxTokens, _batch, _heldOut, _shardTokens,
        })
            Options.Add(option);
        _compute = new ComputeOptions(this, "float32; bfloat16 is faster");
        RunOnRanks();
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var prompts = arguments.GetValue(_prompts) is { } file ? Prompts(file) : [];
        var files = ModelSource.Open(arguments.GetRequiredValue(_model));
        var options = Read(arguments, files, prompts);
        var type = _compute.Type(arguments) ?? ScalarType.Float32;
        _ = _compute.Device(arguments); // what is there is known before the work begins
        DataGeneration.Require(files.Options, type, files.Tokenizer, _out.In(arguments)!, options);
        return (output, cancellation) =>
            Generate(files, options with { Communicator = output.Communicator }, type,
                _compute.Device(arguments, output.Communicator), _out.In(arguments)!, output, cancellation);
    }

    private DataGenerationOptions Read(ParseResult arguments, ModelSource files, string[] prompts) => new()
    {
        Tokens = arguments.GetValue(_tokens)!.Value,
        Model = files.Path,
        WeightsHash = files.WeightsHash,
        Sampling = new SamplingOptions
        {
            Temperature = arguments.GetValue(_temperature),
            TopK = arguments.GetValue(_topK),
            TopP = arguments.GetValue(_topP),
            MinP = arguments.GetValue(_minP),
        },
        Seed = arguments.GetValue(_seed),
        Prompts = prompts,
        EndTokens = files.EndTokens,
        MaxTokens = arguments.GetValue(_maxTokens),
        Batch = arguments.GetValue(_batch),
        HeldOutFraction = arguments.GetValue(_heldOut),
        ShardTokens = arguments.GetValue(_shardTokens),
        Overwrite = arguments.GetValue(Outputs.Overwrite),
    };

    private static int Generate(ModelSource files, DataGenerationOptions options, ScalarType type, Device device,
        string folder, CommandOutput output, CancellationToken cancellation)
    {
        ModelRemarks.Tell(files.Remarks, output);
        using var model = files.LoadFrozen(type, device);
        DatasetManifest manifest;
        DataGenerationProgress last = default;
        try
        {
            if (output.Communicator.Rank > 0)
            {
                DataGeneration.Help(model, files.Tokenizer, options, cancellation);
                return ExitCode.Done;
            }
            using var progress = output.Progress("generating", "tokens");
            manifest = DataGeneration.Run(model, files.Tokenizer, folder, options,
                new ImmediateProgress<DataGenerationProgress>(
                    p => progress.Report((last = p).Tokens - p.Before, p.TotalTokens - p.Before,
                    $"{p.Documents} documents, {Quantity.Count(p.UnderWay)} tokens under way")), cancellation);
        }
        catch (OperationCanceledException)
        {
            output.Message($"interrupted; what is done is kept in {folder}: run the same command again to go on.");
            return ExitCode.Interrupted;
        }
        if (last.Cut > 0)
            output.Message($"{last.Cut} documents {(last.Before > 0 ? "since the interruption " : "")}were cut at "
                + $"{manifest.Request.Generated!.MaxTokens} tokens (--max-tokens, or the model's context), before an "
                + "end token.");
        DataPrepareCommand.Show(folder, manifest, output);
        return ExitCode.Done;
    }

    private static string[] Prompts(string file)
    {
        if (!File.Exists(file))
            throw new CrossheadException(
                $"the prompts \"{file}\" do not exist; name a text file with one beginning a line.");
        string[] lines = [.. TextFile.ReadLines(file).Where(line => !string.IsNullOrWhiteSpace(line))];
        return lines.Length > 0 ? lines : throw new CrossheadException(
            $"the prompts \"{file}\" are empty; write one beginning a line, or leave the option out.");
    }
}
