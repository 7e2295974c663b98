using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Reflection;
using Crosshead.Cli.Terminal;

namespace Crosshead.Cli.Options;

/// <summary>
/// The action of <c>--help</c> and <c>--version</c>. These options work regardless of the other arguments.
/// </summary>
internal sealed class ParsedAction : SynchronousCommandLineAction
{
    /// <summary>The names of the option for help.</summary>
    public const string HelpName = "--help", HelpLetter = "-h", HelpSign = "-?";

    private readonly Action<ParseResult, StandardStreams> _show;

    private ParsedAction(Action<ParseResult, StandardStreams> show) => _show = show;

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <summary>The <c>--help</c> option of a command. The help ends with the examples.</summary>
    public static Option Help(params string[] examples) =>
        new HelpOption(HelpName, HelpLetter, HelpSign)
        {
            Action = new ParsedAction((parsed, terminal) => WriteHelp(parsed, terminal, examples)),
            Description = "Show what this command does and takes.",
        };

    /// <summary>The <c>--version</c> option of the program.</summary>
    public static Option Version() => new Option<bool>("--version")
    {
        Description = "Show the version.",
        Arity = ArgumentArity.Zero,
        Action = new ParsedAction((_, terminal) => terminal.Out.WriteLine(typeof(
            ParsedAction).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion)),
    };

    /// <summary>Writes the answer to standard output.</summary>
    public int Show(ParseResult parsed, StandardStreams terminal)
    {
        _show(parsed, terminal);
        return ExitCode.Done;
    }

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult) => Show(parseResult,
        new StandardStreams(parseResult.InvocationConfiguration.Output, parseResult.InvocationConfiguration.Error));

    private static void WriteHelp(ParseResult parsed, StandardStreams terminal, string[] examples)
    {
        var text = new StringWriter();
        parsed.InvocationConfiguration.Output = text;
        new HelpAction { MaxWidth = terminal.Width }.Invoke(parsed);
        foreach (var line in text.ToString().TrimEnd().Split('\n'))
            terminal.Out.WriteLine(line.TrimEnd());
        terminal.Out.WriteLine();
        terminal.Out.WriteLine("Examples:");
        foreach (var example in examples)
            terminal.Out.WriteLine("  " + example);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(
            "Exit codes: 0 done, 1 it ran and the answer is no, 2 wrong usage or bad input, 130 interrupted.");
    }
}
