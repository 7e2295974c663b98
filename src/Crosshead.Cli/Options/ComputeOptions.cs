using System.CommandLine;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Cli.Options;

/// <summary>
/// The options <c>--device</c>, <c>--threads</c> and <c>--dtype</c>: the device, the number of threads and the
/// precision of the computation. They are the same in every command.
/// </summary>
internal sealed class ComputeOptions
{
    private readonly Option<string> _device = new("--device")
    {
        Description = "Device to compute on: auto (CUDA where there is one), cpu, cuda or cuda:n.",
        HelpName = "auto|cpu|cuda[:n]",
        DefaultValueFactory = _ => "auto",
    };

    private readonly Option<string?>? _type;

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="typeWhenAbsent">The help's words for the precision without <c>--dtype</c>. Null for a command with
    /// a fixed precision, which gets no such option.</param>
    public ComputeOptions(Command command, string? typeWhenAbsent)
    {
        command.Options.Add(_device);
        command.Options.Add(ThreadsOption.Create());
        if (typeWhenAbsent is null) return;
        _type = new Option<string?>("--dtype")
        {
            Description = $"Precision to compute in; without it {typeWhenAbsent}.",
            HelpName = "float64|float32|bfloat16",
        };
        command.Options.Add(_type);
    }

    /// <summary>The requested device. Loads libtorch.</summary>
    /// <exception cref="CrossheadException">The name is unknown, or the device is not available.</exception>
    public Device Device(ParseResult arguments) => ComputeDevice.Parse(arguments.GetRequiredValue(_device));

    /// <summary>The requested precision, or null if none was given.</summary>
    /// <exception cref="CrossheadException">The name is unknown.</exception>
    public ScalarType? Type(ParseResult arguments) =>
        _type is not null && arguments.GetValue(_type) is { } name ? Precision.Parse(name) : null;
}
