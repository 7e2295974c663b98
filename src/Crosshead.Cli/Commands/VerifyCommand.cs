using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.TextModels.Verification;
using static TorchSharp.torch;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead verify</c>: computes the values in golden files again, and compares.</summary>
internal sealed class VerifyCommand : CliCommand
{
    private readonly Argument<string[]> _paths = new("PATH")
    {
        Description = "Golden attention file, model directory with expected.safetensors, GGUF file beside one, or a "
            + "folder of either.",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly ComputeOptions _compute;

    /// <summary>Describes the command.</summary>
    public VerifyCommand() : base("verify",
        "Compute what golden files hold, outputs and gradients, and compare. Exit code 1 where a difference is "
            + "beyond tolerance.",
        "crosshead verify golden/mea.safetensors --dtype float64",
        "crosshead verify models/llama --dtype float32 --json")
    {
        Arguments.Add(_paths);
        _compute = new ComputeOptions(this, "float64 for attention files, float32 for models");
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var paths = arguments.GetRequiredValue(_paths).SelectMany(Expand).ToArray();
        var device = _compute.Device(arguments);
        var type = _compute.Type(arguments);
        foreach (var path in paths) Require(path);
        return (output, cancellation) => Verify(paths, type, device, output, cancellation);
    }

    private static int Verify(string[] paths, ScalarType? type, Device device, CommandOutput output,
        CancellationToken cancellation)
    {
        var cases = new List<VerificationCase>();
        foreach (var path in paths) ModelRemarks.TellWhereThere(path, output);
        using (var progress = output.Progress("verifying", "cases"))
        {
            foreach (var path in paths)
            {
                cancellation.ThrowIfCancellationRequested();
                cases.Add(Verify(path, type, device));
                progress.Report(cases.Count, paths.Length, path);
            }
        }

        var ok = cases.TrueForAll(c => c.Ok);
        var table = new ResultTable("path", "max abs error>", "max rel error>", "gradient rel error>", "decoded by",
            "max rel error>", "greedy", "tolerance>", "ok");
        foreach (var c in cases)
            table.Row(c.Path, Shown(c.MaxAbsError), Shown(c.MaxRelError), Shown(c.GradMaxRelError), c.Decoder ?? "–",
                Shown(c.DecodedMaxRelError), c.GreedyMatches switch { null => "–", true => "same", false => "differs" },
                Shown(c.Tolerance), c.Ok ? "yes" : "NO");
        output.Table(table);
        output.Line(ok
            ? "Every figure is within tolerance; relative errors are max |a − b| / max |b|."
            : $"{cases.Count(c => !c.Ok)} of {cases.Count} differ by more than the tolerance; relative errors are max "
            + $"|a − b| / max |b|.");
        output.Result(new JsonObject { ["cases"] = CommandOutput.List(cases, Node), ["ok"] = ok });
        return ok ? ExitCode.Done : ExitCode.AnswerIsNo;
    }

    private static VerificationCase Verify(string path, ScalarType? type, Device device)
    {
        if (IsModel(path))
            return ExpectedOutputs.Verify(path, type ?? ScalarType.Float32, device);
        using var file = SafetensorsReader.Open(path);
        return GoldenAttention.Verify(file, type ?? ScalarType.Float64, device);
    }

    // All paths are checked first, so that a bad path does not discard the results of earlier paths.
    private static void Require(string path)
    {
        if (IsModel(path))
        {
            ModelDirectory.Check(path);
            if (!File.Exists(ExpectedOutputs.PathFor(path)))
                throw new CrossheadException($"\"{path}\" has no stored results to compare with: no file "
                    + $"\"{ExpectedOutputs.PathFor(path)}\" with input_ids and logits; store them there first.");
            SafetensorsReader.Open(ExpectedOutputs.PathFor(path)).Dispose();
            return;
        }
        if (!File.Exists(path))
            throw new CrossheadException($"\"{path}\" does not exist; name a model's folder, which holds "
                + $"{ExpectedOutputs.FileName}, a golden .safetensors file, or a folder of such.");
        using var file = SafetensorsReader.Open(path);
        if (!GoldenAttention.IsGolden(file))
            throw new CrossheadException($"\"{path}\" is no golden attention file (no variant and probe in it); for a "
                + $"model name its folder, which holds {ExpectedOutputs.FileName}.");
        GoldenAttention.Check(file);
    }

    private static bool IsModel(string path) => Directory.Exists(path) || GgufReader.IsAt(path);

    // A folder without a model stands for its contents.
    private static IEnumerable<string> Expand(string path)
    {
        if (!Directory.Exists(path) || File.Exists(Path.Combine(path, ModelFileNames.Configuration)))
            return [path];
        var within = Directory.EnumerateFiles(path, "*.safetensors")
            .Concat(Directory.EnumerateDirectories(path)
                .Where(d => File.Exists(Path.Combine(d, ExpectedOutputs.FileName))))
            .Order(StringComparer.Ordinal).ToArray();
        return within.Length > 0 ? within
            : throw new CrossheadException($"\"{path}\" holds neither golden .safetensors files nor model directories "
                + $"with {ExpectedOutputs.FileName}.");
    }

    private static JsonObject Node(VerificationCase c) => new()
    {
        ["path"] = c.Path,
        ["maxAbsError"] = CommandOutput.Number(c.MaxAbsError),
        ["maxRelError"] = CommandOutput.Number(c.MaxRelError),
        ["gradMaxRelError"] = Number(c.GradMaxRelError),
        ["decoder"] = c.Decoder,
        ["decodedMaxRelError"] = Number(c.DecodedMaxRelError),
        ["greedyMatches"] = c.GreedyMatches,
        ["tolerance"] = c.Tolerance,
        ["ok"] = c.Ok,
    };

    private static JsonNode? Number(double? error) => error is { } number ? CommandOutput.Number(number) : null;

    private static string Shown(double? error) => error?.ToString("0.0e+0", CultureInfo.InvariantCulture) ?? "–";
}
