using System.CommandLine;
using Crosshead.Compression;
using Crosshead.TextModels;

namespace Crosshead.Cli.Options;

/// <summary>How a text is cut into windows: <c>--window</c>, <c>--windows</c> and <c>--batch</c>, the same in every command that compresses.</summary>
internal sealed class WindowArguments
{
    private readonly Option<int?> _length = NumberOption.Optional("--window", $"Tokens of a window of text; without it the model's context, at most {WindowOptions.LongestByDefault}.", 2, 1 << 20);
    private readonly Option<int> _most = NumberOption.WithDefault("--windows", "Most windows to calibrate on, and most to measure on, spread over the text.", 1, 1 << 20, new WindowOptions().Most);
    private readonly Option<int> _batch = NumberOption.WithDefault("--batch", "Windows computed at once.", 1, 1 << 16, new WindowOptions().Batch);

    /// <summary>Adds the options to a command.</summary>
    public WindowArguments(Command command)
    {
        foreach (var option in new Option[] { _length, _most, _batch }) command.Options.Add(option);
    }

    /// <summary>The options as the library takes them.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="model">The model that reads the windows.</param>
    /// <exception cref="CrossheadException">A window is longer than the model's context.</exception>
    public WindowOptions In(ParseResult arguments, IModelSource model)
    {
        var length = arguments.GetValue(_length);
        if (length > model.Options.Context)
            throw new CrossheadException($"--window {length} is longer than the model's context ({model.Options.Context}); use at most that.");
        return new WindowOptions { Length = length, Most = arguments.GetValue(_most), Batch = arguments.GetValue(_batch) };
    }
}
