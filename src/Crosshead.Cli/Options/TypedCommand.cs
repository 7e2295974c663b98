using System.CommandLine;

namespace Crosshead.Cli.Options;

/// <summary>The command line as typed. Reports show it, so that their results can be repeated.</summary>
internal static class TypedCommand
{
    /// <summary><c>crosshead</c> and all arguments, as a shell reads them.</summary>
    public static string Of(ParseResult arguments) => Of(arguments.Tokens.Select(t => t.Value));

    /// <summary><c>crosshead</c> and some arguments, as a shell reads them.</summary>
    public static string Of(IEnumerable<string> arguments) =>
        string.Join(' ', arguments.Select(ShellWord.Of).Prepend("crosshead"));
}
