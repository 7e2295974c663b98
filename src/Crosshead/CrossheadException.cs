namespace Crosshead;

/// <summary>
/// Bad input or an impossible request, told in one line: what is wrong, the value seen, the value allowed
/// and what to do. The command line prints the message alone and exits with code 2.
/// </summary>
public sealed class CrossheadException : Exception
{
    /// <summary>Creates the error with its one-line message.</summary>
    public CrossheadException(string message) : base(message.OneLine()) { }

    /// <summary>Creates the error with its one-line message and the failure that caused it.</summary>
    public CrossheadException(string message, Exception inner) : base(message.OneLine(), inner) { }
}
