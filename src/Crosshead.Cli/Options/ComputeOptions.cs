using System.CommandLine;
using Crosshead.Attention.Caches;
using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;
using Crosshead.TextModels;
using static TorchSharp.torch;

namespace Crosshead.Cli.Options;

/// <summary>
/// The options <c>--device</c>, <c>--threads</c>, <c>--dtype</c>, <c>--cache-type</c> and <c>--activations</c>: the
/// device, the number of threads, and the precisions of the computation, of the cache and of what quantised weights are
/// multiplied by. They are the same in every command.
/// </summary>
internal sealed class ComputeOptions
{
    /// <summary>The name of the option for the device.</summary>
    public const string DeviceName = "--device";

    private readonly Option<string> _device = new(DeviceName)
    {
        Description = "Device to compute on: auto (CUDA where there is one), cpu, cuda or cuda:n.",
        HelpName = "auto|cpu|cuda[:n]",
        DefaultValueFactory = _ => "auto",
    };

    private readonly Option<string?>? _type, _cache, _activations;

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="typeWhenAbsent">The help's words for the precision without <c>--dtype</c>. Null for a command with
    /// a fixed precision, which gets no such option.</param>
    /// <param name="decodes">Whether the command decodes with a cache, and gets <c>--cache-type</c> and
    /// <c>--activations</c>.</param>
    public ComputeOptions(Command command, string? typeWhenAbsent, bool decodes = false)
    {
        command.Options.Add(_device);
        command.Options.Add(ThreadsOption.Create());
        if (typeWhenAbsent is null) return;
        _type = NameOption.Optional("--dtype", $"Precision to compute in; without it {typeWhenAbsent}.",
            "float64", "float32", "bfloat16");
        command.Options.Add(_type);
        if (!decodes) return;
        _cache = NameOption.Optional("--cache-type", "Type of the numbers in the cache of past tokens; without it the "
            + "precision that is computed in. int8 and fp8 take a byte a number, and a little for scales; on a CUDA "
            + "device they need --dtype bfloat16.", [.. CacheOptions.TypeNames]);
        command.Options.Add(_cache);
        _activations = NameOption.WithDefault("--activations", "The coarsest numbers that the CPU rounds activations "
            + "to. With int8, those that are multiplied by quantised weights become int8, and those by bfloat16 "
            + "weights bfloat16; with bfloat16 only the latter; with float32 none, which takes longer.",
            ActivationTypes.NameOf(ActivationTypes.Usual), [.. ActivationTypes.Names])!;
        command.Options.Add(_activations);
    }

    /// <summary>The requested device. Loads libtorch.</summary>
    /// <exception cref="CrossheadException">The name is unknown, or the device is not available.</exception>
    public Device Device(ParseResult arguments) => ComputeDevice.Parse(DeviceNamed(arguments));

    /// <summary>
    /// The requested device of a command that does nothing but generate text. Loads libtorch only where a GPU may be
    /// meant.
    /// </summary>
    /// <exception cref="CrossheadException">The name is unknown, or the device is not available.</exception>
    public Device DecodingDevice(ParseResult arguments) => ComputeDevice.Find(DeviceNamed(arguments));

    /// <summary>Whether such a command needs libtorch.</summary>
    public bool DecodesWithTensors(ParseResult arguments) =>
        ComputeDevice.MayBeCuda(DeviceNamed(arguments))
        || TextModel.NeedsLibTorch(Type(arguments) ?? ScalarType.Float32);

    /// <summary>The requested device of a rank. Loads libtorch.</summary>
    /// <exception cref="CrossheadException">The device is not available, or not to every rank.</exception>
    public Device Device(ParseResult arguments, ICommunicator ranks) =>
        RankDevice.Choose(DeviceNamed(arguments), ranks);

    /// <summary>How the cache keeps numbers.</summary>
    /// <param name="arguments">What was typed.</param>
    /// <param name="type">The precision that is computed in.</param>
    /// <param name="device">The device.</param>
    /// <exception cref="CrossheadException">The type is unknown, or the device has no such cache.</exception>
    public CacheOptions Cache(ParseResult arguments, ScalarType type, Device device)
    {
        var options = new CacheOptions
        {
            Type = _cache is not null && arguments.GetValue(_cache) is { } name ? CacheOptions.Parse(name) : null,
        };
        options.FormatFor(type, device);
        return options;
    }

    /// <summary>The coarsest numbers that the CPU rounds activations to.</summary>
    /// <exception cref="CrossheadException">The name is unknown.</exception>
    public ActivationType Activations(ParseResult arguments) =>
        _activations is not null && arguments.GetValue(_activations) is { } name ? ActivationTypes.Parse(name)
        : ActivationTypes.Usual;

    /// <summary>The requested precision, or null if none was given.</summary>
    /// <exception cref="CrossheadException">The name is unknown.</exception>
    public ScalarType? Type(ParseResult arguments) =>
        _type is not null && arguments.GetValue(_type) is { } name ? Precision.Parse(name) : null;

    // Names in upper case are taken too, as with NameOption.
    private string DeviceNamed(ParseResult arguments) => arguments.GetRequiredValue(_device).ToLowerInvariant();
}
