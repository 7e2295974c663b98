namespace Crosshead.Cli.Terminal;

/// <summary>The program that reads standard output has ended, as <c>head</c> does: nobody asks for the rest.</summary>
internal sealed class ReaderGoneException : Exception;
