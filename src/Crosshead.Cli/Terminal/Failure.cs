using System.Runtime.InteropServices;
using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;
using Crosshead.Training.Runs;

namespace Crosshead.Cli.Terminal;

/// <summary>Turns the exception that ended a command into one line and an exit code.</summary>
internal static class Failure
{
    /// <summary>The environment variable that adds the stack trace.</summary>
    public const string DebugVariable = "CROSSHEAD_DEBUG";

    private const string LessMemory = "lower batch or context (raise gradient accumulation to keep the tokens a step), "
        + "switch on activation checkpointing, or use --dtype bfloat16.";

    /// <summary>
    /// Writes one line to standard error and returns the exit code. With <c>CROSSHEAD_DEBUG=1</c> also writes the stack
    /// trace.
    /// </summary>
    public static int Tell(Exception failure, StandardStreams terminal)
    {
        var (code, line, _) = Ending(failure);
        if (line is not null) terminal.Error.WriteLine(line);
        Trace(failure, terminal);
        return code;
    }

    /// <summary>The exit code and the one line of a failure; no line if nobody reads it.</summary>
    public static RankEnding Ending(Exception failure) => Cause(failure) switch
    {
        ReaderGoneException => new(ExitCode.ReaderGone),
        RankEndedException ended => new(ExitCode.BadInput, ended.Message, Followed: true),
        OperationCanceledException cause => new(ExitCode.Interrupted, Describe(cause)),
        TrainingDivergedException cause when Interruption.IsSupervised => new(ExitCode.Diverged, Describe(cause)),
        var cause => new(ExitCode.BadInput, Describe(cause)),
    };

    /// <summary>Writes the stack trace with <c>CROSSHEAD_DEBUG=1</c>.</summary>
    public static void Trace(Exception failure, StandardStreams terminal)
    {
        if (Environment.GetEnvironmentVariable(DebugVariable) == "1" && Cause(failure) is not ReaderGoneException)
            terminal.Error.WriteLine(failure);
    }

    /// <summary>Describes an exception in one line.</summary>
    public static string Describe(Exception failure) => failure switch
    {
        CrossheadException => failure.Message,
        OperationCanceledException => "interrupted.",
        _ when LastWords.OfLoading(failure) is { } told => told,
        OutOfMemoryException =>
            $"out of memory: {Quantity.Bytes(GC.GetTotalMemory(false))} of managed memory were in use; {LessMemory}",
        _ when OutOfMemory.In(failure) is { } lack => $"out of memory on "
            + $"{lack.Device}{(lack.Size is null ? "" : $": {lack.Size} more were asked for")}; {LessMemory}",
        ExternalException => "libtorch: " + FirstLine(failure.Message),
        DllNotFoundException or BadImageFormatException =>
            $"a native library could not be loaded: {FirstLine(failure.Message)} Run \"crosshead doctor\".",
        IOException { Message: var message } when message.StartsWith("No space left", StringComparison.Ordinal) =>
            new CrossheadException($"{message}; free space, or write elsewhere.").Message,
        UnauthorizedAccessException => $"{failure.Reason()}; let this user have it, or name another place.",
        IOException when !HasWorkingFolder() => "the working folder is no longer there; change to another folder with "
            + "cd, or give full paths.",
        IOException => $"{failure.Reason()}; see to it, or name another place.",
        _ => $"unexpected {failure.GetType().Name}: {FirstLine(failure.Message)} Set {DebugVariable}=1 to see where.",
    };

    // The system's error for a relative path in a removed folder names neither.
    private static bool HasWorkingFolder()
    {
        try
        {
            return Directory.GetCurrentDirectory().Length > 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string FirstLine(string message) => message.TrimStart().Split(['\n', '\r'], 2)[0].TrimEnd();

    // The exception that describes the failure, without the exceptions that only wrap it.
    private static Exception Cause(Exception failure) => failure switch
    {
        AggregateException { InnerExceptions: [var inner] } => Cause(inner),
        TypeInitializationException { InnerException: { } inner } => Cause(inner),
        System.Reflection.TargetInvocationException { InnerException: { } inner } => Cause(inner),
        _ => failure,
    };
}
