namespace Crosshead.Cli.Terminal;

/// <summary>What the process tells scripts; part of the contract of every command.</summary>
internal static class ExitCode
{
    /// <summary>The command did what was asked.</summary>
    public const int Done = 0;

    /// <summary>It ran, and the answer is no: a comparison failed, something needed is missing.</summary>
    public const int AnswerIsNo = 1;

    /// <summary>Wrong usage or bad input; one line on standard error says what, both values and the remedy.</summary>
    public const int BadInput = 2;

    /// <summary>
    /// Training broke down. Only a process that supervises this one gets this code; scripts get <see cref="BadInput"/>.
    /// </summary>
    public const int Diverged = 3;

    /// <summary>
    /// A signal (SIGINT, SIGTERM, SIGHUP or SIGQUIT) ended it, with its state saved where it has any.
    /// </summary>
    public const int Interrupted = 130;

    /// <summary>The reader of standard output is gone; a shell reports the same code after SIGPIPE.</summary>
    public const int ReaderGone = 141;
}
