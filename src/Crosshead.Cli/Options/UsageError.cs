using System.CommandLine;
using System.CommandLine.Parsing;

namespace Crosshead.Cli.Options;

/// <summary>Describes an error in a command line, in one line.</summary>
internal static class UsageError
{
    private const string Text = "TEXT", OptionStart = "--"; // an argument that may be anything, and how options begin

    // Options whose empty text means something, or whose own message says more.
    private static readonly string[] s_mayBeEmpty = ["--prompt", "--stop", "--system", "--tasks"];

    /// <summary>The first error of the command line with a remedy, or null if the command can run.</summary>
    public static string? Describe(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var path = Path(parsed);
        if ((parsed.UnmatchedTokens.Count > 0 ? parsed.UnmatchedTokens[0] : MistakenForName(parsed)) is { } unknown)
            return Unknown(command, path, unknown, AfterDashes(parsed).Contains(unknown));
        if (command.Subcommands.Count > 0)
            return $"{path} needs a command: {string.Join(", ", command.Subcommands.Select(c => c.Name))}; see "
                + $"\"{path} --help\".";
        var missing = command.Arguments.FirstOrDefault(
            a => a.Arity.MinimumNumberOfValues > (parsed.GetResult(a)?.Tokens.Count ?? 0));
        if (missing is not null)
            return $"{path} needs {missing.HelpName ?? missing.Name}: {FirstSentence(missing.Description)} See "
                + $"\"{path} --help\".";
        // The argument TEXT may be empty; a name may not.
        var empty = command.Arguments.FirstOrDefault(
            a => a.Name != Text && parsed.GetResult(a)?.Tokens.Any(t => t.Value.Length == 0) == true);
        if (empty is not null)
            return $"{path} was given an empty {empty.HelpName ?? empty.Name} (\"\"): "
                + $"{FirstSentence(empty.Description)} See \"{path} --help\".";
        var option = command.Options.FirstOrDefault(
            o => o.Required && parsed.GetResult(o) is not { IdentifierToken: not null });
        if (option is not null)
            return $"{path} needs {option.Name} <{option.HelpName}>: {FirstSentence(option.Description)} See "
                + $"\"{path} --help\".";
        return command.Options.Select(o => WrongValues(o, parsed.GetResult(o), path))
            .FirstOrDefault(problem => problem is not null)
            ?? (parsed.Errors.Count == 0 ? null : new CrossheadException(parsed.Errors[0].Message).Message);
    }

    // An unknown option that the parser takes for one of several names, unless it follows a mere "--".
    private static string? MistakenForName(ParseResult parsed)
    {
        var names = AfterDashes(parsed);
        return parsed.CommandResult.Command.Arguments.Where(a => a.Name != Text)
            .SelectMany(a => parsed.GetResult(a)?.Tokens ?? []).Select(t => t.Value)
            .FirstOrDefault(v => v.StartsWith(OptionStart, StringComparison.Ordinal) && !names.Contains(v));
    }

    private static HashSet<string> AfterDashes(ParseResult parsed) =>
        [.. parsed.Tokens.SkipWhile(t => t.Type != TokenType.DoubleDash).Skip(1).Select(t => t.Value)];

    // A missing value, an empty one, as of an unset variable, or one too many.
    private static string? WrongValues(Option option, OptionResult? given, string path) =>
        given is not { IdentifierToken: not null } ? null
        : given.Tokens.Count < option.Arity.MinimumNumberOfValues
            ? $"{option.Name} needs its <{option.HelpName}>: {FirstSentence(option.Description)} See \"{path} "
            + "--help\"."
        : IsText(option) && given.Tokens.Any(t => t.Value.Length == 0)
            ? $"{option.Name} is empty (\"\"); it needs its <{option.HelpName}>: {FirstSentence(option.Description)} "
            + $"See \"{path} --help\"."
        : given.Tokens.Count > option.Arity.MaximumNumberOfValues
            ? $"{option.Name} is given {given.Tokens.Count} times "
            + $"({string.Join(", ", given.Tokens.Select(t => $"\"{t.Value}\""))}); give it once." : null;

    private static bool IsText(Option option) => !s_mayBeEmpty.Contains(option.Name)
        && (option.ValueType == typeof(string) || option.ValueType == typeof(string[]));

    private static string Unknown(Command command, string path, string unknown, bool afterDashes)
    {
        if (afterDashes && command.Subcommands.Count == 0)
            return $"one argument too many for {path}: \"{unknown}\"; what follows \"--\" is no option: put options "
                + "before it.";
        if (unknown.StartsWith('-'))
            return $"unknown option \"{unknown}\" of {path}: "
                + $"{Suggestion.For(unknown, command.Options.Select(o => o.Name))}";
        return command.Subcommands.Count > 0
            ? $"unknown command \"{unknown}\" of {path}: "
            + $"{Suggestion.For(unknown, command.Subcommands.Select(c => c.Name))}"
            : $"one argument too many for {path}: \"{unknown}\"; quote a text that holds spaces, or see "
            + $"\"{path} --help\".";
    }

    private static string Path(ParseResult parsed)
    {
        var names = new List<string>();
        for (Symbol? symbol = parsed.CommandResult.Command; symbol is not null;
            symbol = symbol.Parents.FirstOrDefault())
            names.Insert(0, symbol.Name);
        return string.Join(' ', names);
    }

    private static string FirstSentence(string? text) => text is null ? "" : text.Split(". ", 2)[0].TrimEnd('.') + ".";
}
