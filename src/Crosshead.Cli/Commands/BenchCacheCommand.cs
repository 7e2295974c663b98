using System.CommandLine;
using Crosshead.Attention;
using Crosshead.Cli.Benchmarking;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Cli.Commands;

/// <summary>
/// <c>crosshead bench cache</c>: times the attention of one decoding step, from the full cache and from half of it.
/// </summary>
internal sealed class BenchCacheCommand : CliCommand
{
    private const int StepsOfARepetition = 20;

    private readonly Option<int> _batch = NumberOption.WithDefault("--batch", "Sequences.", 1, 1 << 20, 1);
    private readonly Option<int> _context = NumberOption.WithDefault("--context", "Cached tokens of a sequence.",
        1, 1 << 24, 8192);
    private readonly Option<int> _heads = NumberOption.WithDefault("--heads", "Query heads.", 1, 1 << 12, 32);
    private readonly Option<int> _groups = NumberOption.WithDefault("--kv-heads",
        "Key and value heads, an even number that divides the query heads.", 2, 1 << 12, 4);
    private readonly Option<int> _width = NumberOption.WithDefault("--head-dim", "Width of a head.", 2, 1 << 12, 128);
    private readonly Option<double> _seconds = NumberOption.WithDefault("--seconds",
        "Time to spend on each case, in seconds.", 0.01, 3600, 2.0);
    private readonly ComputeOptions _compute;

    /// <summary>Describes the command.</summary>
    public BenchCacheCommand() : base("cache",
        "Time the attention of one step of decoding: libtorch's from whole heads, ours from whole heads, and from half "
            + "the cache (half of the key components, values of half the rank).",
        "crosshead bench cache --batch 16 --context 32768 --device cuda",
        "crosshead bench cache --batch 1 --context 4096 --device cpu --dtype float32 --json")
    {
        foreach (var option in new Option[] { _batch, _context, _heads, _groups, _width, _seconds })
            Options.Add(option);
        _compute = new ComputeOptions(this, "bfloat16");
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var (batch, context, heads, groups, width) = (arguments.GetValue(_batch), arguments.GetValue(_context),
            arguments.GetValue(_heads), arguments.GetValue(_groups), arguments.GetValue(_width));
        if (groups % 2 != 0 || heads % groups != 0)
            throw new CrossheadException(
                $"--kv-heads ({groups}) must be an even number that divides --heads ({heads}); give another.");
        var (device, type) = (_compute.Device(arguments), _compute.Type(arguments) ?? ScalarType.BFloat16);
        var seconds = arguments.GetValue(_seconds);
        return (output, cancellation) => Time((batch, context, heads, groups, width),
            new BenchRun(device, type, batch, seconds) { Cancel = cancellation }, output);
    }

    private static int Time((int Batch, int Context, int Heads, int Groups, int Width) shape, BenchRun run,
        CommandOutput output)
    {
        var (batch, context, heads, groups, width) = shape;
        var (device, type) = (run.Device, run.Type);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var progress = output.Progress("timing", "cases");
        var ceilings = Ceilings.Of(device, type, run.Cancel);

        Tensor Random(params long[] shape) => randn(shape, type, device);
        var span = new TokenView(empty(0), empty(0), null, Causal: false);
        BenchCase Case(string name, long rows, long rowWidth, Func<Tensor, Tensor, Tensor, Tensor> attend)
        {
            using var own = NewDisposeScope();
            progress.Report(elapsed => $"timing {name}, {Quantity.Time(elapsed)} so far");
            var (query, keys, values) = (Random(batch, heads, 1, rowWidth), Random(batch, rows, context, rowWidth),
                Random(batch, rows, context, rowWidth));
            using var steps = new QueuedSteps(device, () => attend(query, keys, values), StepsOfARepetition);
            var timing = run.Time(steps.Run);
            var bytes = (keys.numel() + values.numel()) * Precision.BytesOf(type);
            return new BenchCase(name, timing, batch * StepsOfARepetition, 4.0 * batch * heads * context * rowWidth
                * StepsOfARepetition, (double)bytes * StepsOfARepetition, bytes);
        }
        var scale = 1 / Math.Sqrt(width);
        Tensor Ours(Tensor query, Tensor keys, Tensor values) =>
            SoftmaxAttention.Attend(query, keys, values, span, scale);
        BenchCase[] cases =
        [
            Case("full cache, libtorch", groups, width, (q, k, v) => SoftmaxAttention.AttendByLibTorch(q, k, v, scale)),
            Case("full cache", groups, width, Ours),
            Case("half cache", 1, (long)groups / 2 * width, Ours),
        ];
        BenchCase.Write(output, ceilings.Mark(cases, device, run.Cancel), ceilings, BenchSetting.Of(
            $"{batch} x {context} cached tokens, {heads} query heads, {groups} key/value heads of width {width}, "
                + $"{StepsOfARepetition} steps a repetition", device, type));
        output.Line($"Half the cache takes {cases[2].Timing.Median / cases[0].Timing.Median:0.00} of the time that "
            + $"libtorch takes for the full one.");
        return ExitCode.Done;
    }
}
