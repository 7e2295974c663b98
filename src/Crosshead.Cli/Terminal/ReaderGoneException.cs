namespace Crosshead.Cli.Terminal;

/// <summary>The program that reads standard output has ended, as <c>head</c> does; nobody needs more output.</summary>
internal sealed class ReaderGoneException : Exception;
