using System.CommandLine;
using System.Text.Json.Nodes;
using Crosshead.Attention;
using Crosshead.Checkpoints;
using Crosshead.Cli.Options;
using Crosshead.Compression;
using Crosshead.Data;
using Crosshead.Reports;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead profile</c>: what each piece of a model's cache is worth.</summary>
internal sealed class ProfileCommand : CliCommand
{
    private readonly Argument<string> _model = ModelArgument.Create();
    private readonly Option<string> _text = new("--text") { Description = "A UTF-8 text file: its first half calibrates, on its second half the loss is measured.", HelpName = "file", Required = true };
    private readonly Option<string> _out = new("--out") { Description = "The profile; a page with its plots is written beside it.", HelpName = "profile.json", Required = true };
    private readonly WindowOptions _windows;
    private readonly ComputeOptions _compute;

    /// <summary>Describes the command.</summary>
    public ProfileCommand() : base("profile",
        "Measure, for every layer, keys and values, size and grain, how much the loss grows when that piece of the cache alone is made smaller. Run again, it goes on where it was stopped.",
        "crosshead profile models/llama --text book.txt --out profile.json",
        "crosshead compress models/llama --calibrate book.txt --profile profile.json --cache 50% --out models/llama-half")
    {
        Arguments.Add(_model);
        Options.Add(_text);
        Options.Add(_out);
        _windows = new WindowOptions(this);
        _compute = new ComputeOptions(this, typeWhenAbsent: null);
    }

    /// <inheritdoc/>
    public override int Run(ParseResult arguments, CommandOutput output, CancellationToken cancel)
    {
        var path = arguments.GetRequiredValue(_out);
        if (!Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(path))))
            throw new CrossheadException($"the folder of --out \"{path}\" does not exist; make it, or name another place.");
        var begun = File.Exists(path) ? Profile.Load(path) : null;
        var (calibrate, measure) = WindowOptions.Halves(TextFile.Read(arguments.GetRequiredValue(_text)));
        using var source = ModelToCompress.Load(arguments.GetRequiredValue(_model), _compute.Device(arguments), output);
        var (model, batch) = (source.Model, _windows.Batch(arguments));
        var first = _windows.Cut(arguments, calibrate, "the first half of the text", source.Tokenizer, model.Options);
        var second = _windows.Cut(arguments, measure, "the second half of the text", source.Tokenizer, model.Options);

        using var calibration = Calibrate(output, source, first, batch, cancel);
        var methods = Enum.GetValues<CompressionMethod>();
        var profiler = new Profiler(model, calibration, second, batch);
        var pieces = (double)profiler.PiecesPerLayer(methods) * model.Options.Layers;
        Profile profile;
        using (var progress = output.Progress("measuring", "pieces"))
        {
            try
            {
                profile = profiler.Run(new ProfileSource(WeightsHash.Of(source.Folder), $"{first.Hash}/{second.Hash}"), methods, begun,
                    p => p.Save(path), new Told<long>(done => progress.Report(done, pieces)), cancel);
            }
            catch (OperationCanceledException) when (File.Exists(path))
            {
                progress.Say($"Interrupted, the layers measured so far saved: the same command goes on with the next one.");
                return ExitCode.Interrupted;
            }
        }
        profile.Save(path);
        var page = Path.ChangeExtension(path, ".html");
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(source.Folder));
        ProfilePage.Write(ProfilePlots.Report(profile, name, TypedCommand.Of(arguments)), page);

        output.Table(Table(profile));
        output.Line($"Increases of the loss ({profile.BaseLoss:0.0000} nats a token with the whole cache) when one layer's keys, or values, alone are halved. Small numbers are cheap to compress; compress --profile {path} spends a budget by them. Plots: {page}");
        output.Result(new JsonObject
        {
            ["profile"] = path,
            ["page"] = page,
            ["baseLoss"] = profile.BaseLoss,
            ["layers"] = CommandOutput.List(profile.Layers, layer => new JsonObject
            {
                ["layer"] = layer.Layer,
                ["keys"] = CommandOutput.List(layer.Keys, p => Node(p, p.Method == CompressionMethod.Svd ? EnumName.Of(KeyGrain.Head) : EnumName.Of(KeyGrain.Frequency))),
                ["values"] = CommandOutput.List(layer.Values, p => Node(p, p.Method == CompressionMethod.Svd ? EnumName.Of(ValueGrain.Head) : EnumName.Of(ValueGrain.Dense))),
            }),
        });
        return ExitCode.Done;
    }

    /// <summary>Streams the calibration text through a model, showing progress.</summary>
    public static Calibration Calibrate(CommandOutput output, ModelToCompress source, TokenWindows windows, int batch, CancellationToken cancel)
    {
        using var progress = output.Progress("calibrating", "windows");
        return Calibration.Run(source.Model, windows, batch, new Told<long>(done => progress.Report(done, windows.Count)), cancel);
    }

    private static ResultTable Table(Profile profile)
    {
        var table = new ResultTable("layer>", "keys, svd>", "keys, fine>", "values, svd>", "values, fine>");
        foreach (var layer in profile.Layers)
        {
            string Cell(IReadOnlyList<ProfiledPiece> pieces, CompressionMethod method) =>
                ProfilePlots.AtHalf(profile, pieces, method) is { } piece ? $"{piece.LossIncrease:+0.0000;-0.0000}" : "–";
            table.Row($"{layer.Layer}", Cell(layer.Keys, CompressionMethod.Svd), Cell(layer.Keys, CompressionMethod.Fine), Cell(layer.Values, CompressionMethod.Svd), Cell(layer.Values, CompressionMethod.Fine));
        }
        return table;
    }

    private static JsonObject Node(ProfiledPiece piece, string grain) => new()
    {
        ["grain"] = grain,
        ["size"] = piece.Size,
        ["numbers"] = piece.Numbers,
        ["lossIncrease"] = CommandOutput.Number(piece.LossIncrease),
    };
}
