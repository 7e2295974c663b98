using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Crosshead.Cli.Completion;

/// <summary>
/// Suggests words for a shell while a command line is typed. Shells ask as .NET's <c>dotnet-suggest</c> does:
/// <c>crosshead [suggest:POSITION] "LINE"</c> writes one word per line.
/// </summary>
internal static class ShellCompletion
{
    /// <summary>
    /// Answers a shell's question on standard output; returns false if the arguments hold no question.
    /// </summary>
    /// <param name="args">The arguments after the program's name.</param>
    /// <param name="root">Creates the tree of all commands; called only to answer a question.</param>
    /// <param name="parsing">How command lines are parsed.</param>
    /// <param name="output">Where the words go.</param>
    public static bool Answers(string[] args, Func<Command> root, ParserConfiguration parsing, TextWriter output)
    {
        if (args is not [var directive, ..] || PositionIn(directive) is not { } position) return false;
        var line = args.Length > 1 ? args[1] : "";
        foreach (var word in Words(line[..Math.Min(position, line.Length)], root(), parsing)) output.WriteLine(word);
        return true;
    }

    /// <summary>The words that may replace the last word of a line; the last word may be empty.</summary>
    private static IEnumerable<string> Words(string line, Command root, ParserConfiguration parsing)
    {
        var begun = line[(line.LastIndexOf(' ') + 1)..];
        OfferChoices(root);
        // Options are offered only after a dash, so that the shell can offer files elsewhere.
        return CommandLineParser.Parse(root, line, parsing).GetCompletions(line.Length)
            .Select(c => c.InsertText ?? c.Label)
            .Where(w => w.StartsWith(begun, StringComparison.Ordinal)
                && (w.StartsWith("--", StringComparison.Ordinal) ? begun.Length > 0 : w[0] is not ('-' or '/')))
            .Distinct();
    }

    // The help of an option lists its values if they are few: auto|cpu|cuda[:n].
    private static void OfferChoices(Command command)
    {
        foreach (var option in command.Options.Where(o => o.HelpName?.Contains('|', StringComparison.Ordinal) == true))
            option.CompletionSources.Add([.. option.HelpName!.Split('|').Select(c => c.Split('[')[0])]);
        foreach (var argument in command.Arguments.Where(
            a => a.HelpName?.Contains('|', StringComparison.Ordinal) == true))
            argument.CompletionSources.Add([.. argument.HelpName!.Split('|')]);
        foreach (var inner in command.Subcommands) OfferChoices(inner);
    }

    // [suggest] asks at the line's end.
    private static int? PositionIn(string directive)
    {
        const string end = "[suggest]", begin = "[suggest:";
        if (directive == end) return int.MaxValue;
        if (!directive.StartsWith(begin, StringComparison.Ordinal) || !directive.EndsWith(']')) return null;
        return ulong.TryParse(directive.AsSpan(begin.Length..^1), NumberStyles.None, CultureInfo.InvariantCulture,
            out var position) ? (int)Math.Min(position, int.MaxValue) : null;
    }
}
