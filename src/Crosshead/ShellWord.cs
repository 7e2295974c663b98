namespace Crosshead;

/// <summary>Writes arguments of command lines that people copy to a shell.</summary>
public static class ShellWord
{
    private const string Plain = "_@%+=:,./-"; // besides letters and digits

    /// <summary>
    /// An argument as a POSIX shell reads it: within single quotes if it has other characters than letters, digits and
    /// <c>_@%+=:,./-</c>. Within them a shell reads every character as it is, except a single quote.
    /// </summary>
    public static string Of(string argument)
    {
        ArgumentNullException.ThrowIfNull(argument);
        return argument.Length > 0 && argument.All(c => char.IsAsciiLetterOrDigit(c) || Plain.Contains(c)) ? argument
            : $"'{argument.Replace("'", @"'\''", StringComparison.Ordinal)}'";
    }
}
