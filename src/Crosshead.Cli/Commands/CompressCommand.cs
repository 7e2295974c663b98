using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Cli.Options;
using Crosshead.Compression;
using Crosshead.Data;
using Crosshead.Model;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead compress</c>: virtual heads for a trained model.</summary>
internal sealed class CompressCommand : CliCommand
{
    private const double SelfCheckTolerance = 1e-3;
    private const int SearchWindows = 32; // enough to tell sizes apart; the profile and the search measure hundreds of pieces on them

    private readonly Argument<string> _model = ModelArgument.Create();
    private readonly Option<string> _out = new("--out") { Description = "Folder of the compressed model; must not exist yet.", HelpName = "dir", Required = true };
    private readonly Option<double?> _cache = new("--cache") { Description = "Share of the chosen layers' cache to keep; without it 50%.", HelpName = "percent", CustomParser = Share };
    private readonly Option<string> _method = new("--method") { Description = "fine: calibrated, keys by rotary frequency, values of any rank, the budget spent by profile. svd: the paper's, from the weights alone, the same in all layers.", HelpName = "svd|fine", DefaultValueFactory = _ => "fine" };
    private readonly Option<string> _layers = new("--layers") { Description = "Which layers: all, deep (all but the first three), middle (the second and third quarter), or a list such as 0,2,5-9.", HelpName = "all|deep|middle|list", DefaultValueFactory = _ => "all" };
    private readonly Option<string?> _calibrate = new("--calibrate") { Description = "A UTF-8 text file to calibrate on; without --held-out its first half calibrates and its second half is measured.", HelpName = "file" };
    private readonly Option<string?> _heldOut = new("--held-out") { Description = "A UTF-8 text file to measure the loss on.", HelpName = "file" };
    private readonly Option<string?> _profile = new("--profile") { Description = "A profile made by crosshead profile; without it one is measured on the calibration text.", HelpName = "profile.json" };
    private readonly Option<int> _rounds = NumberOption.WithDefault("--rounds", "Most rounds of measuring around the plan and spending the budget anew; 0 takes the profile's plan.", 0, 100, 3);
    private readonly Option<int?> _keys = NumberOption.Optional("--key-components", "Key components of every chosen layer, in place of a budget.", 1, 1 << 20);
    private readonly Option<int?> _values = NumberOption.Optional("--value-rank", "Value numbers of every chosen layer, in place of a budget.", 1, 1 << 20);
    private readonly ShardOption _shard;
    private readonly WindowOptions _windows;
    private readonly ComputeOptions _compute;

    /// <summary>Describes the command.</summary>
    public CompressCommand() : base("compress",
        "Make a trained model's KV cache smaller: key and value heads composed of fewer components, fitted in closed form, no training. Says what it cost; train --from recovers the rest.",
        "crosshead compress models/llama --calibrate book.txt --cache 50% --out models/llama-half",
        "crosshead compress models/llama --method svd --layers deep --calibrate book.txt --out models/llama-svd",
        "crosshead compress models/llama --calibrate book.txt --key-components 2 --value-rank 256 --out models/llama-2-256")
    {
        Arguments.Add(_model);
        foreach (var option in new Option[] { _out, _cache, _method, _layers, _calibrate, _heldOut, _profile, _rounds, _keys, _values }) Options.Add(option);
        _shard = new ShardOption(this);
        _windows = new WindowOptions(this);
        _compute = new ComputeOptions(this, typeWhenAbsent: null);
    }

    /// <inheritdoc/>
    public override int Run(ParseResult arguments, CommandOutput output, CancellationToken cancel)
    {
        var destination = new NewFolder(arguments.GetRequiredValue(_out));
        var method = Method(arguments.GetRequiredValue(_method));
        var texts = Texts(arguments, method);
        using var source = ModelToCompress.Load(arguments.GetRequiredValue(_model), _compute.Device(arguments), output);
        var options = source.Model.Options;
        var chosen = LayerSelection.Parse(arguments.GetRequiredValue(_layers), options.Layers);
        var calibrate = texts is null ? null : _windows.Cut(arguments, texts.Value.Calibrate, "the calibration text", source.Tokenizer, options);
        var measure = texts is null ? null : _windows.Cut(arguments, texts.Value.HeldOut, "the held-out text", source.Tokenizer, options);
        var batch = _windows.Batch(arguments);

        var before = Loss(output, "measuring the model as it is", source.Model, measure, batch, cancel);
        using var calibration = method == CompressionMethod.Fine ? ProfileCommand.Calibrate(output, source, calibrate!, batch, cancel) : null;
        var plan = Plan(arguments, output, source, method, chosen, calibration, calibrate, cancel);
        using var compressed = Compressor.Compress(source.Model, plan, calibration);
        var stored = StoredWeights.In(source.Folder);
        Compressor.RoundTo(compressed, stored.Type);
        var after = Loss(output, "measuring the compressed model", compressed, measure, batch, cancel);
        var difference = SelfCheck(compressed, measure);
        if (!(difference <= SelfCheckTolerance))
            throw new CrossheadException($"the self-check failed: logits from the compressed cache differ by {difference:0.0e+0} of their size from those of the fitted weights, {SelfCheckTolerance:0.0e+0} is allowed; nothing was written. A layer's weights may be out of range; try --method svd, or other --layers.");
        cancel.ThrowIfCancellationRequested();
        destination.Write(folder => Save(folder, source, compressed, stored.Type, method, _shard.Bytes(arguments)));
        Show(arguments, output, source, compressed, stored, plan, before, after, difference);
        return ExitCode.Done;
    }

    private void Show(ParseResult arguments, CommandOutput output, ModelToCompress source, LanguageModel compressed, StoredWeights stored, CompressionPlan plan, double? before, double? after, double difference)
    {
        var (groups, whole) = (source.Model.Options.Attention.Groups, source.Model.Options.Attention.Groups * source.Model.Options.HeadDim);
        var (bytesBefore, bytesAfter) = (ModelCost.Of(source.Model.Options).CacheBytesPerToken(stored.BytesPerElement), ModelCost.Of(compressed.Options).CacheBytesPerToken(stored.BytesPerElement));
        var cached = CachedLayer.Of(compressed.Options);
        var table = new ResultTable("layer>", "key heads kept>", "by", "value numbers kept>", "by");
        foreach (var layer in cached)
            table.Row($"{layer.Index}", $"{layer.KeyHeads} of {groups}", layer.KeyHeads < groups ? EnumName.Of(layer.KeyGrain) : "–", $"{layer.ValueRank} of {whole}", layer.ValueRank < whole ? EnumName.Of(layer.ValueGrain) : "–");
        output.Table(table);
        var folder = arguments.GetRequiredValue(_out);
        output.Line($"The cache of a token takes {Quantity.Bytes(bytesAfter)}, {(double)bytesAfter / bytesBefore:P1} of {Quantity.Bytes(bytesBefore)}. "
            + (after - before is { } increase
                ? $"The held-out loss went from {before:0.0000} to {after:0.0000} nats a token ({increase:+0.0000;-0.0000}){(plan.PredictedIncrease is { } predicted ? $"; the plan predicted {predicted:+0.0000;-0.0000} on the calibration text" : "")}. "
                : "No text was given to measure the loss on. ")
            + $"Written to {folder}; recover it with: crosshead train recipes/recover.json --from {folder} --teacher {source.Folder} --set data.folder=… (crosshead data prepare, or data generate)");
        output.Result(new JsonObject
        {
            ["out"] = folder,
            ["cacheBytesPerTokenBefore"] = bytesBefore,
            ["cacheBytesPerTokenAfter"] = bytesAfter,
            ["heldOutLossBefore"] = before,
            ["heldOutLossAfter"] = after,
            ["predictedIncrease"] = plan.PredictedIncrease,
            ["selfCheck"] = difference,
            ["layers"] = CommandOutput.List(cached, layer => layer.ToJson()),
        });
    }

    private CompressionPlan Plan(ParseResult arguments, CommandOutput output, ModelToCompress source, CompressionMethod method, IReadOnlyList<int> chosen, Calibration? calibration, TokenWindows? calibrate, CancellationToken cancel)
    {
        var options = source.Model.Options;
        var (layers, groups, d) = (options.Layers, options.Attention.Groups, options.HeadDim);
        var (keys, values, share) = (arguments.GetValue(_keys), arguments.GetValue(_values), arguments.GetValue(_cache));
        if (keys is not null || values is not null)
        {
            if (share is not null) throw new CrossheadException($"--cache ({share:P0}) and --key-components or --value-rank are both given; use a budget, or sizes.");
            return CompressionPlan.Uniform(layers, chosen, new LayerPlan(method, keys < groups ? keys : keys > groups ? throw TooMany("--key-components", keys, groups) : null, values < groups * d ? values : values > groups * d ? throw TooMany("--value-rank", values, groups * d) : null));
        }
        var kept = share ?? 0.5;
        if (method == CompressionMethod.Svd) return CompressionPlan.Uniform(layers, chosen, Compressor.SvdPlan(groups, d, kept));

        var profile = arguments.GetValue(_profile) is { } path ? Load(path, source) : Measure(output, source, calibration!, calibrate!, arguments, cancel);
        BudgetPlanner.Plan(profile, method, chosen, kept); // refuses a budget that cannot be met before the search begins
        var pieces = (double)chosen.Count * (Piece.All(groups, d, method).Count() + 2); // of a round
        using var progress = output.Progress("measuring around the plan", "pieces");
        return new PlanSearch(source.Model, calibration!, calibrate!.AtMost(SearchWindows), _windows.Batch(arguments))
            .Run(profile, chosen, kept, arguments.GetValue(_rounds), progress.Say, new Told<long>(done => progress.Report(done, pieces)), cancel);
    }

    private static CrossheadException TooMany(string option, int? value, int whole) => new($"{option} {value} is more than the {whole} that whole heads have; use at most {whole - 1}, or leave the option out for whole heads.");

    private static Profile Load(string path, ModelToCompress source)
    {
        var profile = Profile.Load(path);
        new ProfileSource(WeightsHash.Of(source.Folder), "").RequireSameModel(profile.Source, $"the profile \"{path}\"");
        return profile;
    }

    private Profile Measure(CommandOutput output, ModelToCompress source, Calibration calibration, TokenWindows calibrate, ParseResult arguments, CancellationToken cancel)
    {
        var profiler = new Profiler(source.Model, calibration, calibrate.AtMost(SearchWindows), _windows.Batch(arguments));
        CompressionMethod[] methods = [CompressionMethod.Fine];
        var pieces = (double)profiler.PiecesPerLayer(methods) * source.Model.Options.Layers;
        using var progress = output.Progress("profiling", "pieces");
        return profiler.Run(new ProfileSource("", calibrate.Hash), methods, null, null, new Told<long>(done => progress.Report(done, pieces)), cancel);
    }

    private (string Calibrate, string HeldOut)? Texts(ParseResult arguments, CompressionMethod method)
    {
        var (calibrate, heldOut) = (arguments.GetValue(_calibrate), arguments.GetValue(_heldOut));
        if (calibrate is null)
        {
            if (method == CompressionMethod.Fine) throw new CrossheadException("--method fine needs text; name a UTF-8 file with --calibrate, some hundred thousand characters of what the model is for, or use --method svd.");
            return heldOut is null ? null : ("", TextFile.Read(heldOut));
        }
        var text = TextFile.Read(calibrate);
        return heldOut is null ? WindowOptions.Halves(text) : (text, TextFile.Read(heldOut));
    }

    private static double? Loss(CommandOutput output, string activity, LanguageModel model, TokenWindows? windows, int batch, CancellationToken cancel)
    {
        if (windows is null) return null;
        using var progress = output.Progress(activity, "windows");
        return WindowLoss.Measure(model, windows, batch, new Told<long>(done => progress.Report(done, windows.Count)), cancel);
    }

    // Without a text any tokens do: the two computations must agree on all.
    private static double SelfCheck(LanguageModel model, TokenWindows? windows)
    {
        const int most = 64;
        var length = Math.Min(most, model.Options.Context);
        using var tokens = windows?.Batches(1, model.Device).First() ?? arange(length, ScalarType.Int64, model.Device).remainder(model.Options.VocabularySize).unsqueeze(0);
        using var some = tokens.narrow(1, 0, Math.Min(most, tokens.shape[1]));
        return Compressor.SelfCheck(model, some);
    }

    private static void Save(string folder, ModelToCompress source, LanguageModel compressed, ScalarType type, CompressionMethod method, long shardBytes)
    {
        new ModelCompanions(source.Folder, null).Save(folder);
        var metadata = new Dictionary<string, string> { ["crosshead_compressed_from"] = WeightsHash.Of(source.Folder), ["crosshead_method"] = EnumName.Of(method), ["crosshead_vector_bits"] = $"{CpuVectors.Bits}" };
        ModelDirectory.Save(folder, compressed, metadata, TextTokens.Of(source.Folder), type, shardBytes);
    }

    private static CompressionMethod Method(string name) => name switch
    {
        "svd" => CompressionMethod.Svd,
        "fine" => CompressionMethod.Fine,
        _ => throw new CrossheadException($"--method \"{name}\" is unknown; {Suggestion.For(name, ["svd", "fine"])}"),
    };

    // "50%" or "0.5"
    private static double? Share(ArgumentResult result)
    {
        var text = result.Tokens.Count == 0 ? "" : result.Tokens[^1].Value;
        var percent = text.EndsWith('%');
        if (double.TryParse(percent ? text[..^1] : text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && (percent ? value / 100 : value) is > 0 and < 1 and var share) return share;
        result.AddError($"--cache must be a share above 0 % and below 100 %, such as 50%; got \"{text}\".");
        return null;
    }
}
