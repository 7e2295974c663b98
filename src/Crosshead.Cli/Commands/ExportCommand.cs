using System.CommandLine;
using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Cli.Options;
using Crosshead.Compression;
using Crosshead.Model;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead export</c>: a model that other programs know.</summary>
internal sealed class ExportCommand : CliCommand
{
    private readonly Argument<string> _model = ModelArgument.Create();
    private readonly Option<string> _out = new("--out") { Description = "Folder of the plain model; must not exist yet.", HelpName = "dir", Required = true };
    private readonly ShardOption _shard;
    private readonly ComputeOptions _compute;

    /// <summary>Describes the command.</summary>
    public ExportCommand() : base("export",
        "Merge composed heads into the projections: the same outputs from a plain Llama, Mistral or Qwen model that every program loads, with a cache of whole heads.",
        "crosshead export runs/mea-no-norm --out models/plain")
    {
        Arguments.Add(_model);
        Options.Add(_out);
        _shard = new ShardOption(this);
        _compute = new ComputeOptions(this, typeWhenAbsent: null);
    }

    /// <inheritdoc/>
    public override int Run(ParseResult arguments, CommandOutput output, CancellationToken cancel)
    {
        var destination = new NewFolder(arguments.GetRequiredValue(_out));
        var source = arguments.GetRequiredValue(_model);
        ModelRemarks.Tell(source, output);
        using var model = ModelDirectory.Load(source, device: _compute.Device(arguments));
        using var plain = PlainExport.Of(model);
        var (stored, tokens) = (StoredWeights.In(source), TextTokens.Of(source));
        destination.Write(folder =>
        {
            new ModelCompanions(source, null).Save(folder);
            ModelDirectory.Save(folder, plain, null, tokens, stored.Type, _shard.Bytes(arguments));
        });
        var (before, after) = (ModelCost.Of(model.Options), ModelCost.Of(plain.Options));
        var family = EnumName.Of(plain.Options.Family);
        output.Line($"Written to {arguments.GetRequiredValue(_out)} as {family}: {Quantity.Count(after.Parameters)} parameters, {Quantity.Bytes(after.CacheBytesPerToken(stored.BytesPerElement))} of cache a token (was {Quantity.Bytes(before.CacheBytesPerToken(stored.BytesPerElement))}).");
        output.Result(new JsonObject
        {
            ["out"] = arguments.GetRequiredValue(_out),
            ["modelType"] = family,
            ["cacheBytesPerTokenBefore"] = before.CacheBytesPerToken(stored.BytesPerElement),
            ["cacheBytesPerTokenAfter"] = after.CacheBytesPerToken(stored.BytesPerElement),
        });
        return ExitCode.Done;
    }
}
