namespace Crosshead.Cli.Terminal;

/// <summary>Exit codes of the process; part of the contract of every command.</summary>
internal static class ExitCode
{
    /// <summary>The command succeeded.</summary>
    public const int Done = 0;

    /// <summary>The command ran and the answer is no: a comparison failed, or something needed is missing.</summary>
    public const int AnswerIsNo = 1;

    /// <summary>
    /// Wrong usage or bad input. One line on standard error names the error, both values and the remedy.
    /// </summary>
    public const int BadInput = 2;

    /// <summary>
    /// Training diverged. Only a process that supervises this process gets this code. Scripts get
    /// <see cref="BadInput"/>.
    /// </summary>
    public const int Diverged = 3;

    /// <summary>A run of several ranks has lost one that died or hangs.</summary>
    public const int LostRank = Crosshead.Runtime.Distributed.RankEnding.LostRank;

    /// <summary>
    /// A signal (SIGINT, SIGTERM, SIGHUP, SIGQUIT or SIGUSR1) ended the command. Its state, if it has any, was saved.
    /// </summary>
    public const int Interrupted = 130;

    /// <summary>The reader of standard output has ended; a shell reports the same code after SIGPIPE.</summary>
    public const int ReaderGone = 141;
}
