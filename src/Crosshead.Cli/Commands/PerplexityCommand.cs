using System.CommandLine;
using System.Text.Json.Nodes;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Evaluation.Scoring;
using Crosshead.Files;
using Crosshead.TextModels;
using static TorchSharp.torch;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead perplexity</c>: measures how well a model predicts a text.</summary>
internal sealed class PerplexityCommand : CliCommand
{
    private readonly Argument<string> _model = ModelArgument.Create();
    private readonly Option<string> _text =
        new("--text") { Description = "A UTF-8 text file.", HelpName = "file", Required = true };
    private readonly Option<int?> _maxBytes = NumberOption.Optional("--max-bytes",
        "Read at most so many bytes of the text, to a whole character; without it all.", 1, int.MaxValue);
    private readonly ComputeOptions _compute;

    /// <summary>Describes the command.</summary>
    public PerplexityCommand() : base("perplexity",
        "Measure how well a model predicts a text, as lm-evaluation-harness does: non-overlapping windows of the "
            + "model's context.",
        "crosshead perplexity runs/tiny --text held-out.txt",
        "crosshead perplexity models/llama --text wiki.txt --max-bytes 200000 --json")
    {
        Arguments.Add(_model);
        Options.Add(_text);
        Options.Add(_maxBytes);
        _compute = new ComputeOptions(this, "float32");
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var text = TextFile.Read(arguments.GetRequiredValue(_text), arguments.GetValue(_maxBytes) ?? int.MaxValue);
        var files = ModelSource.Open(arguments.GetRequiredValue(_model));
        var tokenizer = files.Tokenizer;
        var prefix = RequestEncoder.PrefixOf(tokenizer);
        var (type, device) = (_compute.Type(arguments) ?? ScalarType.Float32, _compute.Device(arguments));
        return (output, cancellation) =>
        {
            // Names of special tokens in the text become those tokens, as in Transformers.
            var ids = tokenizer.Encode(text, addSpecialTokens: false);
            ModelRemarks.Tell(files.Remarks, output);
            using var model = files.LoadFrozen(type, device);
            using var progress = output.Progress("predicting", "tokens");
            Show(Perplexity.Measure(model, text, ids, prefix,
                new ImmediateProgress<long>(done => progress.Report(done, ids.Length)), cancellation), output);
            return ExitCode.Done;
        };
    }

    private static void Show(PerplexityResult result, CommandOutput output)
    {
        output.Table(new ResultTable("measure", "value>")
            .Row("bits per byte", $"{result.BitsPerByte:0.0000}")
            .Row("token perplexity", $"{result.TokenPerplexity:0.000}")
            .Row("byte perplexity", $"{result.BytePerplexity:0.0000}")
            .Row("word perplexity", $"{result.WordPerplexity:0.0}")
            .Row("log-likelihood", $"{result.LogLikelihood:0.00} nats")
            .Row("tokens", $"{result.Tokens}")
            .Row("bytes", $"{result.Bytes}"));
        output.Line("Bits per byte compare models with different tokenizers; token perplexities only those with the "
            + "same one. Lower is better.");
        output.Result(new JsonObject
        {
            ["bitsPerByte"] = CommandOutput.Number(result.BitsPerByte),
            ["tokenPerplexity"] = CommandOutput.Number(result.TokenPerplexity),
            ["bytePerplexity"] = CommandOutput.Number(result.BytePerplexity),
            ["wordPerplexity"] = CommandOutput.Number(result.WordPerplexity),
            ["logLikelihood"] = CommandOutput.Number(result.LogLikelihood),
            ["tokens"] = result.Tokens,
            ["bytes"] = result.Bytes,
            ["words"] = result.Words,
        });
    }
}
