using System.CommandLine;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Cli.Options;

/// <summary>
/// Where, on how many threads and in which precision to compute: <c>--device</c>, <c>--threads</c> and <c>--dtype</c>,
/// the same in every command.
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
    /// <param name="typeWhenAbsent">What the help says of a missing <c>--dtype</c>; null for a command that has its own
    /// precision, and no such option.</param>
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

    /// <summary>The device asked for; loads libtorch.</summary>
    /// <exception cref="CrossheadException">Its name is unknown, or it is not there.</exception>
    public Device Device(ParseResult arguments) => ComputeDevice.Parse(arguments.GetRequiredValue(_device));

    /// <summary>The precision asked for, or null.</summary>
    /// <exception cref="CrossheadException">Its name is unknown.</exception>
    public ScalarType? Type(ParseResult arguments) =>
        _type is not null && arguments.GetValue(_type) is { } name ? Precision.Parse(name) : null;
}
