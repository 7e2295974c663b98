using System.CommandLine;

namespace Crosshead.Cli.Terminal;

/// <summary>The command line as it can be typed again.</summary>
internal static class CommandText
{
    /// <summary>The program's name and the arguments, quoted where a shell needs it.</summary>
    public static string Of(ParseResult arguments) =>
        string.Join(' ', arguments.Tokens.Select(t => Quoted(t.Value)).Prepend("crosshead"));

    private static string Quoted(string text) =>
        text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || "-_./=:,%@+".Contains(c)) ? text
            : $"'{text.Replace("'", "'\\''")}'";
}
