namespace Crosshead.Cli.Terminal;

/// <summary>The program that reads standard output has ended, as <c>head</c> does; the rest is not needed.</summary>
internal sealed class ReaderGoneException : Exception;
