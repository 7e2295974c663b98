using System.CommandLine;
using System.Text.Json.Nodes;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Decoding.TensorParallel;
using Crosshead.Generation;
using Crosshead.TextModels;
using Crosshead.TextModels.Prompts;
using static TorchSharp.torch;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead generate</c>: generates text with a model, and shows the text as it is made.</summary>
internal sealed class GenerateCommand : CliCommand
{
    /// <summary>The command's name.</summary>
    public const string CommandName = "generate";

    /// <summary>The name of the option for a file of many prompts.</summary>
    public const string ManyName = "--prompts";

    private readonly Argument<string> _model = ModelArgument.Create();
    private readonly PromptArguments _prompts;
    private readonly Option<string?> _file = new(ManyName)
    {
        Description = "A JSONL file of any length, or - for standard input: each line is an object with a \"prompt\", "
            + "or with \"messages\" for the chat template, and may have options of its own, such as \"max_tokens\". "
            + "The answers are written as JSONL, in the order of the prompts.",
        HelpName = "file.jsonl",
    };
    private readonly OutputFile _out = OutputFile.Resumed("--out", "The file for the answers to --prompts; without it "
        + "they go to standard output. The same command goes on with a file that it was interrupted in.",
        "answers.jsonl", PromptRun.UnfinishedOf);
    private readonly Option<int> _batch = NumberOption.WithDefault("--batch",
        "Most prompts continued side by side; the next one begins when one ends.", 1, GenerationOptions.MostBatch,
        new GenerationOptions().Batch);
    private readonly SamplingArguments _sampling;
    private readonly ComputeOptions _compute;
    private readonly Option<int> _parallel = TensorParallelOption.Create();

    /// <summary>Describes the command.</summary>
    public GenerateCommand() : base(CommandName,
        "Continue a prompt, streaming the text, or all prompts of a file. Ctrl-C ends it early, with what there is.",
        "crosshead generate runs/tiny --prompt \"Once upon a time\" --temperature 0.8 --top-p 0.95",
        "crosshead generate runs/tiny --prompt \"Once upon a time\" --max-tokens 64 --temperature 0 --dtype "
            + "bfloat16 --json",
        "crosshead generate runs/tiny --prompt-file chapter.txt --max-tokens 400",
        "crosshead generate runs/tiny < chapter.txt",
        "crosshead generate runs/tiny --prompts questions.jsonl --out answers.jsonl --batch 64")
    {
        Arguments.Add(_model);
        _prompts = new PromptArguments(this);
        Options.Add(_file);
        Write(_out);
        Options.Add(_batch);
        _sampling = new SamplingArguments(this);
        _compute = new ComputeOptions(this, "float32; bfloat16 is faster", decodes: true);
        Options.Add(_parallel);
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var options = _sampling.Options(arguments) with { Batch = arguments.GetValue(_batch) };
        options.Validate();
        RequireFitting(arguments);
        var files = ModelSource.Open(arguments.GetRequiredValue(_model), _compute.DecodesWithTensors(arguments));
        var (type, device) = (_compute.Type(arguments) ?? ScalarType.Float32, _compute.DecodingDevice(arguments));
        var (cache, ranks) = (_compute.Cache(arguments, type, device), arguments.GetValue(_parallel));
        TensorParallelModel.Check(files.Options, ranks, device, type);
        var activations = _compute.Activations(arguments);
        if (arguments.GetValue(_file) is { } file)
        {
            var source = file == PromptArguments.Input ? null : PromptFile.Open(file);
            TextModel Load() => TextModel.Load(files, ranks, type, device, cache, activations);
            return (output, cancellation) => new PromptFileScreen(files, Load, output).Run(
                source ?? PromptFile.Of(output.Terminal.OpenInput(), "standard input"), options, _out.In(arguments),
                arguments.GetValue(Outputs.Overwrite), cancellation);
        }
        return (output, cancellation) =>
        {
            // Standard input is read only after the checks of arguments and files.
            var prompts = _prompts.Read(arguments, output.Terminal);
            TextModel.Require(files, prompts);
            ModelRemarks.Tell(files.Remarks, output);
            using var model = TextModel.Begin(files, ranks, type, device, cache, activations);
            using var run = model.Start(prompts, options);
            Stream(run, prompts, output, cancellation);
            Show(run, prompts, output);
            if (run.Sequences.Count(s => s.Stop == StopReason.Context) is var full and > 0)
                output.Message(
                    $"{(prompts.Length == 1 ? "The text ended" : $"{full} of {prompts.Length} texts ended")} because "
                    + $"the model's context of {files.Options.Context} tokens is full, before --max-tokens "
                    + $"({options.MaxTokens}).");
            return cancellation.IsCancellationRequested ? ExitCode.Interrupted : ExitCode.Done;
        };
    }

    private void RequireFitting(ParseResult arguments)
    {
        var (file, path) = (arguments.GetValue(_file), _out.In(arguments));
        if (file is null && path is not null)
            throw new CrossheadException("--out is for the answers to --prompts, which is not given; give --prompts "
                + "<file.jsonl>, or leave --out away and send standard output to a file.");
        if (file is null) return;
        if (_prompts.AreIn(arguments))
            throw new CrossheadException("--prompts is given together with --prompt or --prompt-file; give one kind.");
        if (path is null && arguments.GetValue(Json))
            throw new CrossheadException("--json and --prompts both write to standard output; name a file for the "
                + "answers with --out.");
    }

    private static void Show(GenerationRun run, string[] prompts, CommandOutput output)
    {
        var statistics = run.Statistics;
        output.Message(
            $"{statistics.NewTokens} tokens at {statistics.DecodeTokensPerSecond:0} tokens/s after a prompt of "
            + $"{statistics.PromptTokens} tokens in {Quantity.Time(TimeSpan.FromSeconds(statistics.PrefillSeconds))}; "
            + $"the cache holds {Quantity.Bytes(statistics.CacheBytes)}.");
        if (!output.Json) return; // a start does not wait for code that writes JSON
        var first = run.Sequences[0];
        output.Result(new JsonObject
        {
            ["ids"] = CommandOutput.List(first.Ids, id => JsonValue.Create(id)),
            ["text"] = first.Text,
            ["stop"] = EnumName.Of(first.Stop),
            ["sequences"] = CommandOutput.List(prompts.Zip(run.Sequences), s => new JsonObject
            {
                ["prompt"] = s.First,
                ["ids"] = CommandOutput.List(s.Second.Ids, id => JsonValue.Create(id)),
                ["text"] = s.Second.Text,
                ["stop"] = EnumName.Of(s.Second.Stop),
            }),
            ["promptTokens"] = statistics.PromptTokens,
            ["tokensPerSecond"] = statistics.DecodeTokensPerSecond,
            ["prefillTokensPerSecond"] = statistics.PrefillTokensPerSecond,
            ["cacheBytes"] = statistics.CacheBytes,
        });
    }

    // A single text is shown as it is made. Several texts would mix, so they are shown when all are done.
    private static void Stream(GenerationRun run, string[] prompts, CommandOutput output,
        CancellationToken cancellation)
    {
        var live = prompts.Length == 1;
        if (live)
            output.Text(prompts[0]);
        foreach (var token in run.Tokens(cancellation))
        {
            if (live)
                output.Text(token.Text);
        }
        if (live)
            output.Line();
        else
            for (var i = 0; i < prompts.Length; i++)
                output.Line($"[{i + 1}] {prompts[i]}{run.Sequences[i].Text}");
    }
}
