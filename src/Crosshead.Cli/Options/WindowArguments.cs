using System.CommandLine;
using Crosshead.Compression;

namespace Crosshead.Cli.Options;

/// <summary>
/// How a text is cut into windows: <c>--window</c>, <c>--windows</c> and <c>--batch</c>. They are the same in every
/// command that compresses.
/// </summary>
internal sealed class WindowArguments
{
    private readonly Option<int?> _length = NumberOption.Optional("--window", $"Tokens of a window of text; without it "
        + $"the model's context, at most {WindowOptions.LongestByDefault}.", 2, 1 << 20);
    private readonly Option<int> _most = NumberOption.WithDefault("--windows", "Most windows to calibrate on, and most "
        + "to measure on, spread over the text.", 1, 1 << 20, new WindowOptions().Most);
    private readonly Option<int> _batch = NumberOption.WithDefault("--batch", "Windows computed at once.", 1, 1 << 16,
        new WindowOptions().Batch);

    /// <summary>Adds the options to a command.</summary>
    public WindowArguments(Command command)
    {
        foreach (var option in new Option[] { _length, _most, _batch }) command.Options.Add(option);
    }

    /// <summary>Refuses options that are given where there is no text.</summary>
    /// <exception cref="CrossheadException">One is given.</exception>
    public void RequireNone(ParseResult arguments) => arguments.Refuse(
        "is of no use without a text to measure on; name one, or leave it out.", _length, _most, _batch);

    /// <summary>Turns the command line into options of the library.</summary>
    public WindowOptions In(ParseResult arguments) => new()
    {
        Length = arguments.GetValue(_length),
        Most = arguments.GetValue(_most),
        Batch = arguments.GetValue(_batch),
    };
}
