using System.CommandLine;
using System.Text.Json.Nodes;
using Crosshead.Attention.Composition;
using Crosshead.Cli.Doctor;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Compression;
using Crosshead.Compression.Fits;
using Crosshead.Compression.Jobs;
using Crosshead.Compression.Search;
using Crosshead.Files;
using Crosshead.Model;
using Crosshead.Reports;
using Crosshead.Reports.Pages;
using Crosshead.Runtime.Distributed;
using Crosshead.TextModels;

namespace Crosshead.Cli.Commands;

/// <summary>
/// <c>crosshead profile</c>: measures how much the loss grows when one piece of the cache is made smaller.
/// </summary>
internal sealed class ProfileCommand : CliCommand
{
    private readonly Argument<string> _model = ModelArgument.Create();
    private readonly Option<string> _text = new("--text")
    {
        Description = "A UTF-8 text file: its first half calibrates, and the loss is measured on its second half.",
        HelpName = "file",
        Required = true,
    };
    private readonly OutputFile _out = OutputFile.Continued("--out", "The profile; a page with its plots is written "
        + "beside it. The same command goes on with a profile that was begun there.", "profile.json",
        path => [path, Page(path)]);
    private readonly WindowArguments _windows;
    private readonly ComputeOptions _compute;

    /// <summary>Describes the command.</summary>
    public ProfileCommand() : base("profile",
        "Measure what each piece of the cache is worth: how much the loss grows when the keys, or the values, of one "
            + "layer alone are kept in a smaller size. After an interruption, the same command goes on.",
        "crosshead profile models/llama --text book.txt --out profile.json",
        "crosshead profile models/llama --text book.txt --out profile.json --ranks 2",
        "crosshead compress models/llama --calibrate book.txt --profile profile.json --cache 50% --out "
            + "models/llama-half")
    {
        Arguments.Add(_model);
        Options.Add(_text);
        Write(_out);
        _windows = new WindowArguments(this);
        _compute = new ComputeOptions(this, typeWhenAbsent: null);
        RunOnRanks();
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var (calibrate, measure) = CompressionText.Halves(TextFile.Read(arguments.GetRequiredValue(_text)));
        var files = ModelSource.Open(arguments.GetRequiredValue(_model));
        var windows = _windows.In(arguments);
        var first = windows.Cut(calibrate, "the first half of the text", files);
        var second = windows.Cut(measure, "the second half of the text", files);
        Profiler.Require(files.Options, first);
        _ = _compute.Device(arguments); // refuses one that is absent
        var path = _out.In(arguments)!;
        var begun = File.Exists(path) && !arguments.GetValue(Outputs.Overwrite) ? Profile.Load(path) : null;
        begun?.RequireShape(files.Options, $"--out \"{path}\"");
        var source = new ProfileSource(files.WeightsHash, $"{first.Hash}/{second.Hash}");
        if (begun is not null) source.RequireSame(begun.Source, $"--out \"{path}\"");
        return (output, cancellation) =>
        {
            var ranks = output.Communicator;
            ranks.RequireSame(("the model and the text", $"{source}"),
                ("the number of layers measured before", $"{begun?.Layers.Count ?? 0}"));
            ModelRemarks.Tell(files.Remarks, output);
            using var model = files.LoadInPlace(device: _compute.Device(arguments, ranks));
            using var calibration = Calibrate(output, model, first, windows.Batch, cancellation);
            var profiler = new Profiler(model, calibration, second, windows.Batch) { Communicator = ranks };
            if (Measure(profiler, source, begun, path, files.Options,
                output, cancellation) is not { } profile)
                return ExitCode.Interrupted;
            if (ranks.Rank > 0) return ExitCode.Done; // all ranks have the same profile
            profile.Save(path);
            ProfilePage.Write(Report(profile, files.Description.Name, TypedCommand.Of(arguments)), Page(path));
            Show(profile, files.Options, path, output);
            return ExitCode.Done;
        };
    }

    // The whole profile, or null if the measurement was interrupted.
    private static Profile? Measure(Profiler profiler, ProfileSource source, Profile? begun, string path,
        ModelOptions model, CommandOutput output, CancellationToken cancellation)
    {
        var methods = Enum.GetValues<CompressionMethod>();
        var pieces = (double)Profiler.PiecesPerLayer(model, methods) * model.Layers;
        using var progress = output.Progress("measuring", "pieces");
        try
        {
            return profiler.Run(source, methods, begun, output.Communicator.Rank > 0 ? null : p => p.Save(path),
                new ImmediateProgress<long>(done => progress.Report(done, pieces)), cancellation);
        }
        catch (OperationCanceledException) when (File.Exists(path))
        {
            progress.Say("Interrupted, the layers measured so far saved: the same command goes on with the next one.");
            return null;
        }
    }

    private static ProfileReport Report(Profile profile, string model, string command) => new()
    {
        Model = model,
        Created = DateTimeOffset.Now,
        Profile = profile,
        Provenance = new ReportProvenance
        {
            Command = command,
            Facts =
            [
                new("Weights", profile.Source.Model),
                new("Text", profile.Source.Text),
                new("Shape",
                    $"{profile.LayerCount} layers, {profile.Groups} key/value heads of width {profile.HeadDim}"),
                ProvenanceFacts.Machine,
                ProvenanceFacts.Program,
            ],
        },
    };

    private static void Show(Profile profile, ModelOptions model, string path, CommandOutput output)
    {
        output.Table(Table(profile));
        output.Line($"Increases of the loss ({profile.BaseLoss:0.0000} nats a token with the whole cache) when one "
            + $"layer's keys, or values, alone are halved. Small numbers are cheap to compress; compress --profile "
            + $"{path} spends a budget by them. Plots: {Page(path)}");
        output.Result(new JsonObject
        {
            ["profile"] = path,
            ["page"] = Page(path),
            ["baseLoss"] = profile.BaseLoss,
            ["layers"] = CommandOutput.List(profile.Layers, layer => new JsonObject
            {
                ["layer"] = layer.Layer,
                ["keys"] = CommandOutput.List(layer.Keys, p => Node(p,
                    EnumName.Of(p.Method == CompressionMethod.Svd ? KeyGrain.Head
                        : model.FinestKeyGrainOf(layer.Layer)))),
                ["values"] = CommandOutput.List(layer.Values, p => Node(p,
                    p.Method == CompressionMethod.Svd ? EnumName.Of(ValueGrain.Head) : EnumName.Of(ValueGrain.Dense))),
            }),
        });
    }

    private static string Page(string path) => Path.ChangeExtension(path, ".html");

    private static Calibration Calibrate(CommandOutput output, LanguageModel model, TokenWindows windows, int batch,
        CancellationToken cancellation)
    {
        using var progress = output.Progress("calibrating", "windows");
        return Calibration.Run(model, windows, batch,
            new ImmediateProgress<long>(done => progress.Report(done, windows.Count)), cancellation);
    }

    private static ResultTable Table(Profile profile)
    {
        var table = new ResultTable("layer>", "keys, svd>", "keys, fine>", "values, svd>", "values, fine>");
        foreach (var layer in profile.Layers)
        {
            string Cell(IReadOnlyList<ProfiledPiece> pieces, CompressionMethod method) =>
                profile.AtHalf(pieces, method) is { } piece ? Quantity.Change(piece.LossIncrease) : "–";
            table.Row($"{layer.Layer}", Cell(layer.Keys, CompressionMethod.Svd),
                Cell(layer.Keys, CompressionMethod.Fine), Cell(layer.Values, CompressionMethod.Svd),
                Cell(layer.Values, CompressionMethod.Fine));
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
