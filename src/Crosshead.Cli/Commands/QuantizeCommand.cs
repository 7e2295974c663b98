using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Compression;
using Crosshead.Files;
using static TorchSharp.torch;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead quantize</c>: writes a model with few bits a weight, as a GGUF file or a folder.</summary>
internal sealed class QuantizeCommand : CliCommand
{
    private readonly Argument<string> _model = ModelArgument.Create();
    private readonly GgufTypeOption _type;
    private readonly OutputModel _out = OutputModel.Always("A GGUF file, whose name ends in .gguf, with the model's "
        + "tokenizer and chat template; or a folder, which may hold a model with composed heads too.");
    private readonly Option<bool> _again = new("--allow-requantize")
    {
        Description = "Accept a model whose numbers are quantised already, though quantising again loses more.",
    };

    /// <summary>Describes the command.</summary>
    public QuantizeCommand() : base("quantize",
        "Write a model with few bits a weight: as a GGUF file, for Crosshead, llama.cpp and programs built on it, or "
            + "as a folder, for Crosshead.",
        "crosshead quantize models/llama --type q4_k_m --out models/llama-q4_k_m.gguf",
        "crosshead quantize models/llama-f16.gguf --type q8_0 --out models/llama-q8_0.gguf",
        "crosshead quantize runs/recovered --type q4_k_m --out models/llama-half-q4")
    {
        Arguments.Add(_model);
        _type = new GgufTypeOption(this, "Bits of the weights; the names are llama.cpp's.", required: true);
        Write(_out);
        Options.Add(_again);
        Options.Add(ThreadsOption.Create());
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var (source, file) = (arguments.GetRequiredValue(_model), _out.In(arguments)!);
        var recipe = _type.In(arguments)!;
        var description = ModelDirectory.Check(source);
        var isFile = GgufReader.IsAt(source);
        if (_out.IsFile(file))
        {
            RequirePlain(description, recipe, file);
            if (!isFile) GgufModel.Require(description.Options, source);
        }
        GgufQuantizer.Require(description, recipe, arguments.GetValue(_again));
        if (Path.GetFullPath(file) == Path.GetFullPath(source))
            throw new CrossheadException($"{_out.Name} \"{file}\" is the model itself; name another file.");
        return (output, cancellation) =>
        {
            ModelRemarks.Tell(description.Remarks, output);
            using (var progress = new GgufProgressLine(output))
            {
                if (!_out.IsFile(file)) ToFolder(description, file, recipe, progress, cancellation);
                else if (isFile) GgufQuantizer.Write(file, source, recipe, progress, cancellation);
                else WriteFolder(description, file, recipe, progress, cancellation);
            }
            Show(description, ModelDescription.Of(file), recipe, output);
            return ExitCode.Done;
        };
    }

    private static void WriteFolder(ModelDescription description, string file, GgufRecipe recipe,
        IProgress<GgufProgress> progress, CancellationToken cancellation)
    {
        using var model = ModelDirectory.LoadFrozen(description, ScalarType.Float32);
        GgufModel.Write(file, model, recipe, description.Path, description.Name, progress,
            cancellation: cancellation);
    }

    private static void ToFolder(ModelDescription description, string folder, GgufRecipe recipe,
        IProgress<GgufProgress> progress, CancellationToken cancellation)
    {
        using var place = NewFolder.Hold(folder);
        using var model = ModelDirectory.LoadFrozen(description, ScalarType.Float32);
        place.Write(aside =>
        {
            description.SaveCompanions(aside);
            ModelDirectory.SaveQuantized(aside, model, recipe, description.Tokens, progress, cancellation);
        });
    }

    private static void RequirePlain(ModelDescription description, GgufRecipe recipe, string file)
    {
        if (PlainExport.Obstacle(description.Options) is { } obstacle)
            throw new CrossheadException($"{obstacle}: name a folder in place of the file \"{file}\".");
        var shape = PlainExport.ShapeOf(description.Options);
        if (description.Options.Attention.Variant == shape.Attention.Variant
            && description.Options.VirtualHeads?.Any(heads => heads is not null) != true)
            return;
        throw new CrossheadException($"\"{description.Path}\" has composed heads "
            + $"({ComposedHeads.Of(description.Options)}), which GGUF files cannot have; name a folder in place of "
            + $"the file, or merge them into a plain model while it is written: crosshead export "
            + $"{ShellWord.Of(description.Path)} --gguf {ShellWord.Of(file)} {GgufTypeOption.With(recipe)}.");
    }

    private static void Show(ModelDescription before, ModelDescription after, GgufRecipe recipe, CommandOutput output)
    {
        var (old, made) = (StoredType.Sum(before.Weights.Types), StoredType.Sum(after.Weights.Types));
        output.Table(StoredTypeTable.Of(after.Weights.Types));
        output.Line($"Written to {after.Path} as {recipe}: {Quantity.Bytes(made.Bytes)}, "
            + $"{Bits(made)} bits a weight (was {Quantity.Bytes(old.Bytes)}, {Bits(old)}). Measure what it costs: "
            + $"crosshead perplexity {ShellWord.Of(after.Path)} --text FILE");
        output.Result(new JsonObject
        {
            ["out"] = after.Path,
            ["type"] = recipe.Name,
            ["bytes"] = made.Bytes,
            ["bytesBefore"] = old.Bytes,
            ["bitsPerWeight"] = CommandOutput.Number(made.BitsPerWeight),
            ["types"] = CommandOutput.List(after.Weights.Types, StoredTypeTable.Node),
        });
    }

    private static string Bits(StoredType type) => type.BitsPerWeight.ToString("0.00", CultureInfo.InvariantCulture);
}
