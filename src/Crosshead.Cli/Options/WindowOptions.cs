using System.CommandLine;
using Crosshead.Cli.Commands;
using Crosshead.Compression;
using Crosshead.TextModels;

namespace Crosshead.Cli.Options;

/// <summary>How a text is cut into windows: <c>--window</c>, <c>--windows</c> and <c>--batch</c>, the same in every command that compresses.</summary>
internal sealed class WindowOptions
{
    private const int LongestByDefault = 2048;

    private readonly Option<int?> _length = NumberOption.Optional("--window", $"Tokens of a window of text; without it the model's context, at most {LongestByDefault}.", 2, 1 << 20);
    private readonly Option<int> _most = NumberOption.WithDefault("--windows", "Most windows to calibrate on, and most to measure on, spread over the text.", 1, 1 << 20, 128);
    private readonly Option<int> _batch = NumberOption.WithDefault("--batch", "Windows computed at once.", 1, 1 << 16, 8);

    /// <summary>Adds the options to a command.</summary>
    public WindowOptions(Command command)
    {
        foreach (var option in new Option[] { _length, _most, _batch }) command.Options.Add(option);
    }

    /// <summary>Windows at once.</summary>
    public int Batch(ParseResult arguments) => arguments.GetValue(_batch);

    /// <summary>Cuts a text.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="text">The text.</param>
    /// <param name="what">What it is called in an error message.</param>
    /// <param name="model">The model; windows begin with its tokenizer's begin token, where it has one.</param>
    /// <exception cref="CrossheadException">The text is too short, or a window longer than the context.</exception>
    public TokenWindows Cut(ParseResult arguments, string text, string what, HuggingFaceFolder model)
    {
        var (tokenizer, options) = (model.Tokenizer, model.Options);
        var length = arguments.GetValue(_length) ?? Math.Min(options.Context, LongestByDefault);
        if (length > options.Context)
            throw new CrossheadException($"--window {length} is longer than the model's context ({options.Context}); use at most that.");
        return TokenWindows.Cut(tokenizer.Encode(text, addSpecialTokens: false), tokenizer.BosTokenId, length, what).AtMost(arguments.GetValue(_most));
    }

    /// <summary>A text's two halves, parted at an empty line: the first to calibrate on, the second to measure on.</summary>
    /// <exception cref="CrossheadException">The text has no place to part it.</exception>
    public static (string First, string Second) Halves(string text)
    {
        var half = text.IndexOf("\n\n", text.Length / 2, StringComparison.Ordinal);
        if (half < 0) half = text.IndexOf('\n', text.Length / 2);
        return half < 0 ? (text[..(text.Length / 2)], text[(text.Length / 2)..]) : (text[..half], text[half..]);
    }
}
