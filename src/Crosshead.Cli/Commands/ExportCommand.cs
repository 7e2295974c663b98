using System.CommandLine;
using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
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
    private readonly OutputFolder _out = new("Folder of the plain model.", required: false);
    private readonly OutputFile _gguf = OutputFile.Optional("--gguf",
        "GGUF file of the plain model, with its tokenizer and chat template, for llama.cpp and programs built on it.",
        "file");
    private readonly GgufTypeOption _type;
    private readonly ShardOption _shard;
    private readonly ComputeOptions _compute;

    /// <summary>Describes the command.</summary>
    public ExportCommand() : base("export",
        "Merge composed heads into the projections: the same outputs from a plain Llama, Mistral or Qwen model that "
            + "every program loads, with a cache of whole heads.",
        "crosshead export runs/mea-no-norm --out models/plain",
        "crosshead export models/plain --gguf models/plain.gguf --type bf16")
    {
        Arguments.Add(_model);
        Write(_out, _gguf);
        _type = new GgufTypeOption(this, "Bits of the weights in the GGUF file; without it the model's own types, "
            + "or f32.", required: false);
        _shard = new ShardOption(this);
        _compute = new ComputeOptions(this, typeWhenAbsent: null);
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var source = arguments.GetRequiredValue(_model);
        var (path, file) = (_out.In(arguments), _gguf.In(arguments));
        if (path is null && file is null)
            throw new CrossheadException($"export writes nothing yet; name a folder with {_out.Name}, a file with "
                + $"{_gguf.Name}, or both.");
        var asked = _type.In(arguments);
        if (asked is not null && file is null)
            throw new CrossheadException($"{GgufTypeOption.With(asked)} is for GGUF files; name one with "
                + $"{_gguf.Name}.");
        var description = ModelDirectory.Check(source);
        var shape = PlainExport.ShapeOf(description.Options);
        if (file is not null) GgufModel.Require(shape, source);
        if (asked is not null) GgufQuantizer.Require(description, asked);
        var (stored, tokens) = (description.Weights, description.Tokens);
        var device = _compute.Device(arguments);
        return (output, cancellation) =>
        {
            using var place = path is null ? null : NewFolder.Hold(path);
            ModelRemarks.Tell(description.Remarks, output);
            if (place is not null)
            {
                using var model = ModelDirectory.Load(description, device: device);
                using var plain = PlainExport.Of(model);
                place.Write(folder =>
                {
                    description.SaveCompanions(folder);
                    ModelDirectory.Save(folder, plain, null, tokens, stored.Type, _shard.Bytes(arguments));
                });
            }
            if (file is not null)
            {
                // Quantised weights that are not composed are copied.
                using var model = ModelDirectory.LoadInPlace(description, device: device);
                using var plain = PlainExport.Of(model);
                using var progress = new GgufProgressLine(output);
                GgufModel.Write(file, plain, asked ?? GgufModel.NearestTo(stored.Type), source, description.Name,
                    progress, asked is null, cancellation);
            }
            Show(path, file, description.Options, shape, stored, output);
            return ExitCode.Done;
        };
    }

    private static void Show(string? path, string? file, ModelOptions model, ModelOptions plain, StoredWeights stored,
        CommandOutput output)
    {
        var (before, after) = (ModelCost.Of(model), ModelCost.Of(plain));
        var family = EnumName.Of(plain.Family);
        string[] written = [.. new[] { path, file }.OfType<string>()];
        output.Line($"Written to {string.Join(" and ", written)} as {family}: {Quantity.Count(after.Parameters)} "
            + $"parameters, {Quantity.Bytes(after.CacheBytesPerToken(stored.BytesPerElement))} of cache a token (was "
            + $"{Quantity.Bytes(before.CacheBytesPerToken(stored.BytesPerElement))}).");
        output.Result(new JsonObject
        {
            ["out"] = path,
            ["gguf"] = file,
            ["modelType"] = family,
            ["cacheBytesPerTokenBefore"] = before.CacheBytesPerToken(stored.BytesPerElement),
            ["cacheBytesPerTokenAfter"] = after.CacheBytesPerToken(stored.BytesPerElement),
        });
    }
}
