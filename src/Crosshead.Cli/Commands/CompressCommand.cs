using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Compression;
using Crosshead.Compression.Fits;
using Crosshead.Compression.Jobs;
using Crosshead.Compression.Search;
using Crosshead.Files;
using Crosshead.Model;
using Crosshead.TextModels;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead compress</c>: makes the cache of a trained model smaller, with virtual heads.</summary>
internal sealed class CompressCommand : CliCommand
{
    private readonly Argument<string> _model = ModelArgument.Create();
    private readonly OutputFolder _out = new("Folder of the compressed model.");
    private readonly Option<double?> _cache = new("--cache")
    {
        Description = "How much of the chosen layers' cache to keep: 100% is that of whole heads, also for a model "
            + "that is compressed already. Without it 50%.",
        HelpName = "percent",
        CustomParser = Share,
    };
    private readonly Option<string> _method = NameOption.WithDefault("--method",
        "fine: fitted on text, sizes chosen layer by layer. svd: the method of the paper, fitted on the weights alone, "
            + "the same size in all layers.", CompressionMethod.Fine);
    private readonly Option<string> _layers = new("--layers")
    {
        Description = "Which layers: all, deep (all but the first three), middle (the second and third quarter), or a "
            + "list such as 0,2,5-9.",
        HelpName = "all|deep|middle|list",
        DefaultValueFactory = _ => "all",
    };
    private readonly Option<string?> _calibrate = new("--calibrate")
    {
        Description = "A UTF-8 text file to calibrate on, which --method fine needs. Without --held-out its first half "
            + "calibrates, and the loss is measured on its second half.",
        HelpName = "file",
    };
    private readonly Option<string?> _heldOut = new("--held-out")
    {
        Description = "A UTF-8 text file to measure the loss on; without it the second half of --calibrate.",
        HelpName = "file",
    };
    private readonly Option<string?> _profile = new("--profile")
    {
        Description = "A profile of this model, made by crosshead profile; without it one is measured on the "
            + "calibration text.",
        HelpName = "profile.json",
    };
    private readonly Option<int> _rounds = NumberOption.WithDefault("--rounds",
        "How often, at most, the plan is improved: pieces are measured again within the plan and the budget is spent "
        + "anew. 0 keeps the plan that follows from the profile", 0, 100, CompressionOptions.DefaultRounds);
    private readonly Option<int?> _keys = NumberOption.Optional("--key-components",
        "Key components of every chosen layer, in place of --cache; without it whole key heads.", 1, 1 << 20);
    private readonly Option<int?> _values = NumberOption.Optional("--value-rank", "Numbers a token that the values of "
        + "every chosen layer keep, in place of --cache; without it whole value heads.", 1, 1 << 20);
    private readonly ShardOption _shard;
    private readonly WindowArguments _windows;
    private readonly ComputeOptions _compute;

    /// <summary>Describes the command.</summary>
    public CompressCommand() : base("compress",
        "Make the key/value cache of a trained model smaller: key and value heads are composed of fewer components, "
            + "which are fitted without training. Tells what it cost; train --from recovers most of that.",
        "crosshead compress models/llama --calibrate book.txt --cache 50% --out models/llama-half",
        "crosshead compress models/llama --method svd --layers deep --calibrate book.txt --out models/llama-svd",
        "crosshead compress models/llama --calibrate book.txt --key-components 2 --value-rank 256 --out "
            + "models/llama-2-256")
    {
        Arguments.Add(_model);
        Write(_out);
        foreach (var option
            in new Option[] { _cache, _method, _layers, _calibrate, _heldOut, _profile, _rounds, _keys, _values })
            Options.Add(option);
        _shard = new ShardOption(this);
        _windows = new WindowArguments(this);
        _compute = new ComputeOptions(this, typeWhenAbsent: null);
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var method = arguments.GetNamed<CompressionMethod>(_method);
        RequireFit(arguments, method);
        var ((calibrate, heldOut), path) = (Texts(arguments, method), arguments.GetRequiredValue(_model));
        var files = calibrate is null && heldOut is null ? ModelSource.OpenForWeights(path) : ModelSource.Open(path);
        if (calibrate is null && heldOut is null) _windows.RequireNone(arguments);
        var windows = _windows.In(arguments);
        var options = new CompressionOptions
        {
            Method = method,
            Layers = arguments.GetRequiredValue(_layers),
            Sizes = Sizes(arguments, method, files.Options),
            Share = arguments.GetValue(_cache) ?? CompressionOptions.DefaultShare,
            Profile = arguments.GetValue(_profile) is { } profile ? Profile.Load(profile) : null,
            Rounds = arguments.GetValue(_rounds),
            Windows = windows,
            Device = _compute.Device(arguments),
            ShardBytes = _shard.Bytes(arguments),
            Overwrite = arguments.GetValue(Outputs.Overwrite),
            Command = TypedCommand.Of(arguments),
        };
        var job = new CompressionJob(files, CompressionText.Of(calibrate, heldOut, files, windows), options);
        return (output, cancellation) =>
        {
            ModelRemarks.Tell(files.Remarks, output);
            using var screen = new CompressionScreen(output);
            Show(files, job.Run(_out.In(arguments)!, screen, cancellation), output);
            return ExitCode.Done;
        };
    }

    private static void Show(ModelSource source, CompressionResult result, CommandOutput output)
    {
        var (before, after, predicted) = (result.LossBefore, result.LossAfter, result.Plan.PredictedIncrease);
        var (groups, _, whole) = PlainCache.Of(source.Options);
        var (bytesBefore, bytesAfter) = (result.CacheBytesPerTokenBefore, result.CacheBytesPerTokenAfter);
        var cached = CachedLayer.Of(result.Options);
        var table = new ResultTable("layer>", "key heads kept>", "by", "value numbers kept>", "by");
        foreach (var layer in cached)
            table.Row($"{layer.Index}", $"{layer.KeyHeads} of {groups}",
                layer.KeyHeads < groups ? EnumName.Of(layer.KeyGrain) : "–", $"{layer.ValueRank} of {whole}",
                layer.ValueRank < whole ? EnumName.Of(layer.ValueGrain) : "–");
        output.Table(table);
        var (weightsBefore, weightsAfter) = (BytesOf(source.Description), BytesOf(ModelDescription.Of(result.Folder)));
        output.Line($"The cache of a token takes {Quantity.Bytes(bytesAfter)}, {(double)bytesAfter / bytesBefore:P1} "
            + $"of {Quantity.Bytes(bytesBefore)}. The weights take {Quantity.Bytes(weightsAfter)} (was "
            + $"{Quantity.Bytes(weightsBefore)}). "
            + (after - before is { } increase
                ? $"The held-out loss went from {before:0.0000} to {after:0.0000} nats a token "
                + $"({Quantity.Change(increase)}){(predicted is { } expected
                    ? $"; the plan predicted {Quantity.Change(expected)} on the calibration text" : "")}. "
                : "No text was given to measure the loss on. ")
            + (CachedLayer.SpeedRemark(result.Options, cached) is { } remark ? $"{remark} " : "")
            + $"Written to {result.Folder}; recover it with: crosshead train "
            + $"recipes/{RecoveryRecipe.For(source.Options)} --from {ShellWord.Of(result.Folder)} --teacher "
            + $"{ShellWord.Of(source.Path)} --set data.folder=… (crosshead data prepare, or data generate)");
        output.Result(new JsonObject
        {
            ["out"] = result.Folder,
            ["cacheBytesPerTokenBefore"] = bytesBefore,
            ["cacheBytesPerTokenAfter"] = bytesAfter,
            ["weightBytesBefore"] = weightsBefore,
            ["weightBytesAfter"] = weightsAfter,
            ["heldOutLossBefore"] = before,
            ["heldOutLossAfter"] = after,
            ["predictedIncrease"] = predicted,
            ["selfCheck"] = result.SelfCheck,
            ["layers"] = CommandOutput.List(cached, layer => layer.ToJson()),
        });
    }

    private static long BytesOf(ModelDescription model) => StoredType.Sum(model.Weights.Types).Bytes;

    // Refuses options that do not apply to the method or to given sizes.
    private void RequireFit(ParseResult arguments, CompressionMethod method)
    {
        var sized = arguments.GetValue(_keys) is not null || arguments.GetValue(_values) is not null;
        if (sized && arguments.GetValue(_cache) is { } share)
            throw new CrossheadException(
                $"--cache ({share:P0}) and --key-components or --value-rank are both given; use a budget, or sizes.");
        if (method == CompressionMethod.Fine && !sized) return;
        arguments.Refuse($"is of no use {(sized ? "where sizes are given" : "with --method svd")}: it is for a budget "
            + "that --method fine spends; leave it out.", _profile, _rounds);
    }

    private LayerPlan? Sizes(ParseResult arguments, CompressionMethod method, ModelOptions model)
    {
        var (keys, values) = (arguments.GetValue(_keys), arguments.GetValue(_values));
        var (groups, _, whole) = PlainCache.Of(model);
        if (keys is null && values is null) return null;
        if (keys > groups) throw TooMany("--key-components", keys, groups);
        if (values > whole) throw TooMany("--value-rank", values, whole);
        var plan = new LayerPlan(method, keys < groups ? keys : null, values < whole ? values : null);
        return plan is not { KeyComponents: null, ValueRank: null } ? plan
            : throw new CrossheadException($"{(keys is null ? "--value-rank" : "--key-components")} {keys ?? values} "
                + $"keeps whole heads, so nothing would be made smaller; use fewer, or --cache.");
    }

    private static CrossheadException TooMany(string option, int? value, int whole) =>
        new($"{option} {value} is more than the {whole} that whole heads have; "
            + $"{(whole > 1 ? $"use at most {whole - 1}, or " : "")}leave the option out for whole heads.");

    // The text for calibration and the text for measuring the loss; null for none.
    private (string? Calibrate, string? HeldOut) Texts(ParseResult arguments, CompressionMethod method)
    {
        var (calibrate, heldOut) = (arguments.GetValue(_calibrate), arguments.GetValue(_heldOut));
        if (calibrate is null && method == CompressionMethod.Fine)
            throw new CrossheadException("--method fine needs text; name a UTF-8 file with --calibrate, some hundred "
                + "thousand characters of what the model is for, or use --method svd.");
        var (text, measured) = (calibrate is null ? null : TextFile.Read(calibrate),
            heldOut is null ? null : TextFile.Read(heldOut));
        if (text is null || measured is not null) return (method == CompressionMethod.Fine ? text : null, measured);
        var halves = CompressionText.Halves(text);
        return (method == CompressionMethod.Fine ? halves.First : null, halves.Second);
    }

    // Reads "50%" or "0.5".
    private static double? Share(ArgumentResult result)
    {
        var text = result.Tokens.Count == 0 ? "" : result.Tokens[^1].Value;
        var percent = text.EndsWith('%');
        if (double.TryParse(percent ? text[..^1] : text, NumberStyles.Float, CultureInfo.InvariantCulture,
            out var value) && (percent ? value / 100 : value) is > 0 and < 1 and var share)
            return share;
        result.AddError($"--cache must be a share above 0 % and below 100 %, such as 50%; got \"{text}\".");
        return null;
    }
}
