using System.CommandLine;
using System.Text.Json.Nodes;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Generation;
using Crosshead.TextModels;
using static TorchSharp.torch;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead generate</c>: generates text with a model, and shows the text as it is made.</summary>
internal sealed class GenerateCommand : CliCommand
{
    private readonly Argument<string> _model = ModelArgument.Create();
    private readonly PromptArguments _prompts;
    private readonly SamplingArguments _sampling;
    private readonly ComputeOptions _compute;

    /// <summary>Describes the command.</summary>
    public GenerateCommand() : base("generate",
        "Continue a prompt, streaming the text. Ctrl-C ends it early, with what there is.",
        "crosshead generate runs/tiny --prompt \"Once upon a time\" --temperature 0.8 --top-p 0.95",
        "crosshead generate runs/tiny --prompt \"Once upon a time\" --max-tokens 64 --temperature 0 --dtype "
            + "bfloat16 --json",
        "crosshead generate runs/tiny --prompt-file chapter.txt --max-tokens 400",
        "crosshead generate runs/tiny < chapter.txt")
    {
        Arguments.Add(_model);
        _prompts = new PromptArguments(this);
        _sampling = new SamplingArguments(this);
        _compute = new ComputeOptions(this, "float32; bfloat16 is faster");
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var options = _sampling.Options(arguments);
        options.Validate();
        var files = HuggingFaceFolder.Open(arguments.GetRequiredValue(_model));
        var (type, device) = (_compute.Type(arguments) ?? ScalarType.Float32, _compute.Device(arguments));
        return (output, cancellation) =>
        {
            // Standard input is read only after the checks of arguments and files.
            var prompts = _prompts.Read(arguments, output.Terminal);
            TextModel.Require(files, prompts);
            ModelRemarks.Tell(files.Remarks, output);
            using var model = TextModel.Load(files, type, device);
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

    private static void Show(GenerationRun run, string[] prompts, CommandOutput output)
    {
        var statistics = run.Statistics;
        output.Message(
            $"{statistics.NewTokens} tokens at {statistics.DecodeTokensPerSecond:0} tokens/s after a prompt of "
            + $"{statistics.PromptTokens} tokens in {Quantity.Time(TimeSpan.FromSeconds(statistics.PrefillSeconds))}; "
            + $"the cache holds {Quantity.Bytes(statistics.CacheBytes)}.");
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
