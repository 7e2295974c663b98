using System.CommandLine;

namespace Crosshead.Cli.Options;

/// <summary>The command line as it was typed, for reports that say how to get them again.</summary>
internal static class TypedCommand
{
    /// <summary><c>crosshead</c> and all arguments, those with spaces in quotes.</summary>
    public static string Of(ParseResult arguments) =>
        "crosshead " + string.Join(' ',
            arguments.Tokens.Select(t => t.Value.Contains(' ', StringComparison.Ordinal) ? $"\"{t.Value}\"" : t.Value));
}
