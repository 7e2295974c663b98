using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;

namespace Crosshead.Cli.Completion;

/// <summary>
/// What a shell may suggest while a command line is typed. Shells ask as .NET's <c>dotnet-suggest</c> does:
/// <c>crosshead [suggest:POSITION] "LINE"</c> writes one word a line.
/// </summary>
internal static partial class ShellCompletion
{
    /// <summary>Answers a shell's question on standard output; false where the arguments are none.</summary>
    /// <param name="args">The arguments after the program's name.</param>
    /// <param name="root">Makes the tree of all commands, where it is needed.</param>
    /// <param name="parsing">How command lines are parsed.</param>
    /// <param name="output">Where the words go.</param>
    public static bool Answers(string[] args, Func<Command> root, ParserConfiguration parsing, TextWriter output)
    {
        if (args is not [var directive, ..] || Question().Match(directive) is not { Success: true } question)
            return false;
        var line = args.Length > 1 ? args[1] : "";
        var position = int.TryParse(question.Groups[1].Value, out var given)
            ? Math.Min(given, line.Length) : line.Length;
        foreach (var word in Words(line[..position], root(), parsing)) output.WriteLine(word);
        return true;
    }

    /// <summary>The words that may stand at the end of a line in place of the last, which may be empty.</summary>
    private static IEnumerable<string> Words(string line, Command root, ParserConfiguration parsing)
    {
        var begun = line[(line.LastIndexOf(' ') + 1)..];
        OfferChoices(root);
        // Options are offered once a dash is typed, so that elsewhere the shell can offer files.
        return CommandLineParser.Parse(root, line, parsing).GetCompletions(line.Length)
            .Select(c => c.InsertText ?? c.Label)
            .Where(w => w.StartsWith(begun, StringComparison.Ordinal)
                && (w.StartsWith("--", StringComparison.Ordinal) ? begun.Length > 0 : w[0] is not ('-' or '/')))
            .Distinct();
    }

    // An option's help names its values where they are few: auto|cpu|cuda[:n].
    private static void OfferChoices(Command command)
    {
        foreach (var option in command.Options.Where(o => o.HelpName?.Contains('|', StringComparison.Ordinal) == true))
            option.CompletionSources.Add([.. option.HelpName!.Split('|').Select(c => c.Split('[')[0])]);
        foreach (var argument in command.Arguments.Where(
            a => a.HelpName?.Contains('|', StringComparison.Ordinal) == true))
            argument.CompletionSources.Add([.. argument.HelpName!.Split('|')]);
        foreach (var inner in command.Subcommands) OfferChoices(inner);
    }

    [GeneratedRegex(@"^\[suggest(?::(\d+))?\]$")]
    private static partial Regex Question();
}
