using System.CommandLine;

namespace Crosshead.Cli.Options;

/// <summary>The command line as typed. Reports show it, so that their results can be repeated.</summary>
internal static class TypedCommand
{
    /// <summary><c>crosshead</c> and all arguments. Arguments with spaces are in quotes.</summary>
    public static string Of(ParseResult arguments) =>
        "crosshead " + string.Join(' ',
            arguments.Tokens.Select(t => t.Value.Contains(' ', StringComparison.Ordinal) ? $"\"{t.Value}\"" : t.Value));
}
