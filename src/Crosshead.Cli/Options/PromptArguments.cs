using System.CommandLine;
using Crosshead.Cli.Terminal;
using Crosshead.Files;

namespace Crosshead.Cli.Options;

/// <summary>
/// Where prompts come from: <c>--prompt</c>, <c>--prompt-file</c>, or standard input if neither is given.
/// </summary>
internal sealed class PromptArguments
{
    /// <summary>The names of the option for files with prompts.</summary>
    public const string FileName = "--prompt-file", FileLetter = "-f";

    /// <summary>The file name that stands for standard input.</summary>
    public const string Input = "-";

    private readonly Option<string[]> _texts = new("--prompt", "-p")
    {
        Description = "What the text begins with; given several times, the prompts are continued together.",
        HelpName = "text",
    };
    private readonly Option<string[]> _files = new(FileName, FileLetter)
    {
        Description = "A UTF-8 text file that holds a prompt, or - for standard input, which is also read where no "
            + "prompt is given. One line break at the end is left out. May be given several times.",
        HelpName = "file",
    };

    private readonly string _command;

    /// <summary>Adds the options to a command.</summary>
    public PromptArguments(Command command)
    {
        command.Options.Add(_texts);
        command.Options.Add(_files);
        _command = command.Name;
    }

    /// <summary>Whether an option names a prompt.</summary>
    public bool AreIn(ParseResult arguments) =>
        arguments.GetValue(_texts) is { Length: > 0 } || arguments.GetValue(_files) is { Length: > 0 };

    /// <summary>The prompts: first the texts, then the files, each in the order given.</summary>
    /// <exception cref="CrossheadException">There is no prompt, or a file or standard input cannot be read or is not
    /// UTF-8 text.</exception>
    public string[] Read(ParseResult arguments, StandardStreams terminal)
    {
        var (texts, files) = (arguments.GetValue(_texts) ?? [], arguments.GetValue(_files) ?? []);
        if (files.Count(f => f == Input) > 1)
            throw new CrossheadException(
                "--prompt-file - is given twice, but standard input can be read once; remove one.");
        if (texts.Length + files.Length == 0)
            files = terminal.InIsScreen ? throw NoPrompt() : [Input];
        return [.. texts, .. files.Select(f => WithoutLastBreak(f == Input ? ReadInput(terminal) : TextFile.Read(f)))];
    }

    private string ReadInput(StandardStreams terminal) =>
        terminal.ReadInput() is { Length: > 0 } text ? text : throw NoPrompt();

    private CrossheadException NoPrompt() =>
        new($"crosshead {_command} needs a prompt: give --prompt <text>, --prompt-file <file>, or a text on standard "
            + $"input. See \"crosshead {_command} --help\".");

    // Editors and echo end a text with a line break that is not part of the prompt.
    private static string WithoutLastBreak(string text) =>
        text.EndsWith('\n') ? text[..^(text.EndsWith("\r\n", StringComparison.Ordinal) ? 2 : 1)] : text;
}
