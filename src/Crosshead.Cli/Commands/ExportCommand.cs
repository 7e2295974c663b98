using System.CommandLine;
using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Checkpoints.Transformers;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Compression;
using Crosshead.Files;
using Crosshead.Model;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead export</c>: writes a model in forms that other programs can load.</summary>
internal sealed class ExportCommand : CliCommand
{
    private readonly Argument<string> _model = ModelArgument.Create();
    private readonly OutputFolder _out = new("Folder of the plain model.", required: false);
    private readonly OutputFile _gguf = OutputFile.Optional("--gguf",
        "GGUF file of the plain model, with its tokenizer and chat template, for llama.cpp and programs built on it.",
        "file");
    private readonly OutputFolder _transformers = new("Folder for Hugging Face Transformers, of the model as it is: "
        + "its cache keeps components. A model that no family describes carries the Python code that computes it, "
        + "which needs trust_remote_code=True.", required: false, "--transformers");
    private readonly GgufTypeOption _type;
    private readonly ShardOption _shard;
    private readonly ComputeOptions _compute;

    /// <summary>Describes the command.</summary>
    public ExportCommand() : base("export",
        "Write a model for other programs. --out and --gguf merge composed heads into the projections: the same "
            + "outputs from a plain model of its family, with a cache of whole heads. --transformers keeps the model "
            + "as it is.",
        "crosshead export runs/mea-no-norm --out models/plain",
        "crosshead export models/plain --gguf models/plain.gguf --type bf16",
        "crosshead export models/llama-half --transformers models/llama-half-hf")
    {
        Arguments.Add(_model);
        Write(_out, _gguf, _transformers);
        _type = new GgufTypeOption(this, "Bits of the weights in the GGUF file; without it the model's own types, "
            + "or f32.", required: false);
        _shard = new ShardOption(this);
        _compute = new ComputeOptions(this, typeWhenAbsent: null);
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var source = arguments.GetRequiredValue(_model);
        var (path, file, asItIs) = (_out.In(arguments), _gguf.In(arguments), _transformers.In(arguments));
        if ((path ?? file ?? asItIs) is null)
            throw new CrossheadException($"export writes nothing yet; name a folder with {_out.Name}, a file with "
                + $"{_gguf.Name}, a folder with {_transformers.Name}, or several of them.");
        var asked = _type.In(arguments);
        if (asked is not null && file is null)
            throw new CrossheadException($"{GgufTypeOption.With(asked)} is for GGUF files; name one with "
                + $"{_gguf.Name}.");
        if ((path ?? asItIs) is null) _shard.RefuseWithoutFolder(arguments, $"{_out.Name} or {_transformers.Name}");
        var description = ModelDirectory.Check(source);
        var plainly = (path ?? file) is not null;
        if (plainly && PlainExport.Obstacle(description.Options) is { } obstacle)
            throw new CrossheadException($"{obstacle}: write the model as it is with {_transformers.Name} DIR.");
        var shape = plainly ? PlainExport.ShapeOf(description.Options) : description.Options;
        if (file is not null) GgufModel.Require(shape, source);
        if (asked is not null) GgufQuantizer.Require(description, asked);
        var (stored, tokens) = (description.Weights, description.Tokens);
        var (device, shardBytes) = (_compute.Device(arguments), _shard.Bytes(arguments));
        var command = TypedCommand.Of(arguments);
        return (output, cancellation) =>
        {
            using var place = path is null ? null : NewFolder.Hold(path);
            using var other = asItIs is null ? null : NewFolder.Hold(asItIs);
            ModelRemarks.Tell(description.Remarks, output);
            if (place is not null || other is not null)
            {
                using var model = ModelDirectory.Load(description, device: device);
                using var plain = place is null ? null : PlainExport.Of(model);
                place?.Write(folder =>
                {
                    description.SaveCompanions(folder);
                    ModelDirectory.Save(folder, plain!, null, tokens, stored.Type, shardBytes);
                    Card(description, shape, command, "its composed heads merged into the projections")
                        .Save(folder, path);
                });
                other?.Write(folder =>
                {
                    description.SaveCompanions(folder);
                    TransformersFolder.Save(folder, model, tokens, stored.Type, shardBytes);
                    var card = Card(description, description.Options, command, "written for Transformers");
                    (card with { CarriesCode = !TransformersFolder.IsKnown(model.Options) })
                        .SaveCopy(source, folder, asItIs!);
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
            if (path is not null || file is not null) Tell(path, file, description.Options, shape, stored, output);
            if (asItIs is not null) Tell(asItIs, description.Options, stored, output);
            output.Result(Result(path, file, asItIs, description.Options, shape, stored));
            return ExitCode.Done;
        };
    }

    private static ModelCard Card(ModelDescription source, ModelOptions model, string command, string done) => new()
    {
        Summary = $"{source.Name}, {done}. The licence is that of the model it was made from.",
        Options = model,
        BaseModel = source.BaseModel,
        Command = command,
        Facts =
        [
            ("Made from", $"{source.Name}, weights {source.WeightsHash} (XXH128)"),
            ("Family", EnumName.Of(model.Family)),
            ("Cache of a token", $"{Quantity.Bytes(ModelCost.Of(model).CacheBytesPerToken(
                source.Weights.BytesPerElement))}, in {source.Weights.CopyTypeName}"),
        ],
    };

    private static void Tell(string? path, string? file, ModelOptions model, ModelOptions plain, StoredWeights stored,
        CommandOutput output)
    {
        var (before, after) = (ModelCost.Of(model), ModelCost.Of(plain));
        string[] written = [.. new[] { path, file }.OfType<string>()];
        output.Line($"Written to {string.Join(" and ", written)} as {TypeOf(plain)}: "
            + $"{Quantity.Count(after.Parameters)} parameters, "
            + $"{Quantity.Bytes(after.CacheBytesPerToken(stored.BytesPerElement))} of cache a token (was "
            + $"{Quantity.Bytes(before.CacheBytesPerToken(stored.BytesPerElement))}).");
    }

    private static void Tell(string folder, ModelOptions model, StoredWeights stored, CommandOutput output)
    {
        var cost = ModelCost.Of(model);
        output.Line($"Written to {folder} for Transformers as {TypeOf(model)}: {Quantity.Count(cost.Parameters)} "
            + $"parameters, {Quantity.Bytes(cost.CacheBytesPerToken(stored.BytesPerElement))} of cache a token. "
            + $"Load it with AutoModelForCausalLM.from_pretrained(\"{folder}\""
            + $"{(TransformersFolder.IsKnown(model) ? "" : ", trust_remote_code=True")}).");
    }

    private static JsonObject Result(string? path, string? file, string? asItIs, ModelOptions model, ModelOptions plain,
        StoredWeights stored)
    {
        var (before, after) = (ModelCost.Of(model), ModelCost.Of(plain));
        var result = new JsonObject { ["out"] = path, ["gguf"] = file, ["transformers"] = asItIs };
        result["modelType"] = TypeOf(plain);
        result["cacheBytesPerTokenBefore"] = before.CacheBytesPerToken(stored.BytesPerElement);
        result["cacheBytesPerTokenAfter"] = after.CacheBytesPerToken(stored.BytesPerElement);
        return result;
    }

    private static string TypeOf(ModelOptions model) =>
        TransformersFolder.IsKnown(model) ? EnumName.Of(model.Family) : TransformersFolder.ModelType;
}
