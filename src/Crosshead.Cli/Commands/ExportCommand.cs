using System.CommandLine;
using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Compression;
using Crosshead.Files;
using Crosshead.Model;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead export</c>: converts a model to a plain model that other programs can load.</summary>
internal sealed class ExportCommand : CliCommand
{
    private readonly Argument<string> _model = ModelArgument.Create();
    private readonly OutputFolder _out = new("Folder of the plain model.");
    private readonly ShardOption _shard;
    private readonly ComputeOptions _compute;

    /// <summary>Describes the command.</summary>
    public ExportCommand() : base("export",
        "Merge composed heads into the projections: the same outputs from a plain Llama, Mistral or Qwen model that "
            + "every program loads, with a cache of whole heads.",
        "crosshead export runs/mea-no-norm --out models/plain")
    {
        Arguments.Add(_model);
        Write(_out);
        _shard = new ShardOption(this);
        _compute = new ComputeOptions(this, typeWhenAbsent: null);
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var source = arguments.GetRequiredValue(_model);
        var description = ModelDirectory.Check(source);
        PlainExport.Require(description.Options);
        var (stored, tokens) = (StoredWeights.In(source), description.Tokens);
        var device = _compute.Device(arguments);
        return (output, _) =>
        {
            var path = _out.In(arguments)!;
            using var place = NewFolder.Hold(path);
            ModelRemarks.Tell(description.Remarks, output);
            using var model = ModelDirectory.Load(description, device: device);
            using var plain = PlainExport.Of(model);
            place.Write(folder =>
            {
                new ModelCompanions(source, null).Save(folder);
                ModelDirectory.Save(folder, plain, null, tokens, stored.Type, _shard.Bytes(arguments));
            });
            Show(path, model, plain, stored, output);
            return ExitCode.Done;
        };
    }

    private static void Show(string path, LanguageModel model, LanguageModel plain, StoredWeights stored,
        CommandOutput output)
    {
        var (before, after) = (ModelCost.Of(model.Options), ModelCost.Of(plain.Options));
        var family = EnumName.Of(plain.Options.Family);
        output.Line($"Written to {path} as {family}: {Quantity.Count(after.Parameters)} parameters, "
            + $"{Quantity.Bytes(after.CacheBytesPerToken(stored.BytesPerElement))} of cache a token (was "
            + $"{Quantity.Bytes(before.CacheBytesPerToken(stored.BytesPerElement))}).");
        output.Result(new JsonObject
        {
            ["out"] = path,
            ["modelType"] = family,
            ["cacheBytesPerTokenBefore"] = before.CacheBytesPerToken(stored.BytesPerElement),
            ["cacheBytesPerTokenAfter"] = after.CacheBytesPerToken(stored.BytesPerElement),
        });
    }
}
