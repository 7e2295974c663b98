namespace Crosshead;

/// <summary>
/// Bad input or an impossible request. The message is one line with the problem, the given value, the allowed value and
/// the remedy. The command line prints only the message, and exits with code 2.
/// </summary>
public class CrossheadException : Exception
{
    /// <summary>Creates the error with its one-line message.</summary>
    public CrossheadException(string message) : base(message.OneLine()) { }

    /// <summary>Creates the error with its one-line message and the failure that caused it.</summary>
    public CrossheadException(string message, Exception inner) : base(message.OneLine(), inner) { }
}
