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
    private readonly Option<string?> _against = new("--against")
    {
        Description = "Compare the model's distributions with those of this model, which has the same tokenizer: how "
            + "much a quantised or compressed model has lost. One model after the other is in memory.",
        HelpName = "model",
    };
    private readonly ComputeOptions _compute;

    /// <summary>Describes the command.</summary>
    public PerplexityCommand() : base("perplexity",
        "Measure how well a model predicts a text, as lm-evaluation-harness does: non-overlapping windows of the "
            + "model's context.",
        "crosshead perplexity runs/tiny --text held-out.txt",
        "crosshead perplexity models/llama --text wiki.txt --max-bytes 200000 --json",
        "crosshead perplexity models/llama-gptq --against models/llama --text wiki.txt")
    {
        Arguments.Add(_model);
        Options.Add(_text);
        Options.Add(_maxBytes);
        Options.Add(_against);
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
        if (arguments.GetValue(_against) is { } against)
        {
            var reference = ModelSource.Open(against);
            var divergence = new Divergence(files, reference);
            return (output, cancellation) =>
            {
                ModelRemarks.Tell([.. files.Remarks, .. reference.Remarks], output);
                using var progress = output.Progress("predicting with both models", "tokens");
                var reported = new ImmediateProgress<DivergenceProgress>(p => progress.Report(p.Predicted, p.Total));
                Show(divergence.Measure(text, type, device, reported, cancellation), against, output);
                return ExitCode.Done;
            };
        }
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
        var table = new ResultTable("measure", "value>");
        foreach (var (measure, value) in Rows(result)) table.Row(measure, value);
        output.Table(table);
        output.Line("Bits per byte compare models with different tokenizers; token perplexities only those with the "
            + "same one. Lower is better.");
        output.Result(Fields(result));
    }

    private static void Show(DivergenceResult result, string against, CommandOutput output)
    {
        var table = new ResultTable("measure", "value>", "standard error>");
        foreach (var (measure, value) in Rows(result.Model)) table.Row(measure, value, "");
        output.Table(table
            .Row("token perplexity of the reference", $"{result.Reference.TokenPerplexity:0.000}", "")
            .Row("difference of token perplexity", $"{result.PerplexityDifference.Value:0.0000}",
                Error(result.PerplexityDifference, 1, "0.0000"))
            .Row("mean divergence", $"{result.MeanDivergence.Value:0.000000} nats",
                Error(result.MeanDivergence, 1, "0.000000"))
            .Row("99 % divergence", $"{result.HighDivergence.Value:0.00000} nats",
                Error(result.HighDivergence, 1, "0.00000"))
            .Row("maximum divergence", $"{result.MaximumDivergence:0.0000} nats", "")
            .Row("same most likely token", $"{100 * result.SameTop.Value:0.00} %", Error(result.SameTop, 100, "0.00")));
        output.Line("The divergence (Kullback and Leibler) is 0 where both models predict the same distribution. "
            + (result.Windows == 1 ? "One window of text has no standard errors."
                : $"Standard errors are over {result.Windows} windows of text."));
        var json = Fields(result.Model);
        json["against"] = new JsonObject
        {
            ["path"] = against,
            ["bitsPerByte"] = CommandOutput.Number(result.Reference.BitsPerByte),
            ["tokenPerplexity"] = CommandOutput.Number(result.Reference.TokenPerplexity),
            ["logLikelihood"] = CommandOutput.Number(result.Reference.LogLikelihood),
            ["tokenPerplexityDifference"] = Fields(result.PerplexityDifference),
            ["meanDivergence"] = Fields(result.MeanDivergence),
            ["divergence99"] = Fields(result.HighDivergence),
            ["maximumDivergence"] = CommandOutput.Number(result.MaximumDivergence),
            ["sameTop"] = Fields(result.SameTop),
            ["windows"] = result.Windows,
        };
        output.Result(json);
    }

    private static (string Measure, string Value)[] Rows(PerplexityResult result) =>
    [
        ("bits per byte", $"{result.BitsPerByte:0.0000}"),
        ("token perplexity", $"{result.TokenPerplexity:0.000}"),
        ("byte perplexity", $"{result.BytePerplexity:0.0000}"),
        ("word perplexity", $"{result.WordPerplexity:0.0}"),
        ("log-likelihood", $"{result.LogLikelihood:0.00} nats"),
        ("tokens", $"{result.Tokens}"),
        ("bytes", $"{result.Bytes}"),
    ];

    private static string Error(Estimate estimate, double factor, string format) =>
        double.IsNaN(estimate.StandardError) ? "unknown" : (factor * estimate.StandardError).ToString(format);

    private static JsonObject Fields(PerplexityResult result) => new()
    {
        ["bitsPerByte"] = CommandOutput.Number(result.BitsPerByte),
        ["tokenPerplexity"] = CommandOutput.Number(result.TokenPerplexity),
        ["bytePerplexity"] = CommandOutput.Number(result.BytePerplexity),
        ["wordPerplexity"] = CommandOutput.Number(result.WordPerplexity),
        ["logLikelihood"] = CommandOutput.Number(result.LogLikelihood),
        ["tokens"] = result.Tokens,
        ["bytes"] = result.Bytes,
        ["words"] = result.Words,
    };

    private static JsonObject Fields(Estimate estimate) => new()
    {
        ["value"] = CommandOutput.Number(estimate.Value),
        ["standardError"] = CommandOutput.Number(estimate.StandardError),
    };
}
