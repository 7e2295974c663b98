using System.CommandLine;

namespace Crosshead.Cli.Options;

/// <summary>The command line as typed. Reports show it, so that their results can be repeated.</summary>
internal static class TypedCommand
{
    private const string Plain = "_@%+=:,./-"; // besides letters and digits

    /// <summary><c>crosshead</c> and all arguments, as a shell reads them.</summary>
    public static string Of(ParseResult arguments) => Of(arguments.Tokens.Select(t => t.Value));

    /// <summary><c>crosshead</c> and some arguments, as a shell reads them.</summary>
    public static string Of(IEnumerable<string> arguments) =>
        string.Join(' ', arguments.Select(Quoted).Prepend("crosshead"));

    // Within single quotes a shell reads every character as it is, except a single quote.
    private static string Quoted(string argument) =>
        argument.Length > 0 && argument.All(c => char.IsAsciiLetterOrDigit(c) || Plain.Contains(c)) ? argument
            : $"'{argument.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
