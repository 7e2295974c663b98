using System.Runtime.InteropServices;
using Crosshead.Runtime.Distributed;

namespace Crosshead.Cli.Terminal;

/// <summary>
/// Lets the first of the <see cref="StopSignals"/> ask the command to finish its step and save, and the second stop the
/// process at once. The end of standard input also asks a supervised process, or a rank that this program started, to
/// stop, so that the process never outlives its supervisor.
/// </summary>
internal sealed partial class Interruption : IDisposable
{
    /// <summary>The environment variable that a process sets to 1 for the processes that it supervises.</summary>
    public const string SupervisedVariable = "CROSSHEAD_SUPERVISED";

    /// <summary>Whether another process of this program started this one.</summary>
    public static bool IsSupervised => Environment.GetEnvironmentVariable(SupervisedVariable) == "1";

    private readonly Lock _lock = new();
    private readonly TerminalModes _modes = new();
    private readonly CancellationTokenSource _source;
    private readonly StopSignals _signals;
    private readonly StandardStreams _terminal;
    private readonly string _stopping;
    private bool _disposed;

    /// <summary>Starts to listen; stops when disposed.</summary>
    /// <param name="terminal">Where a signal is answered.</param>
    /// <param name="stopping">What the command does at the first signal, for the answer.</param>
    /// <param name="outer">Asks the command to stop, too.</param>
    public Interruption(StandardStreams terminal, string stopping, CancellationToken outer)
    {
        (_terminal, _stopping) = (terminal, stopping);
        _source = CancellationTokenSource.CreateLinkedTokenSource(outer);
        _signals = new StopSignals(Stop, ExitAtOnce,
            signal => signal == PosixSignal.SIGINT && terminal.Step?.TryStop() == true);
        if (IsSupervised || Launcher.OfThisProcess is { Meeting: not null })
            new Thread(AwaitEndOfInput) { IsBackground = true }.Start();
    }

    /// <summary>Cancelled by the first signal; in a supervised process or rank also by the end of standard
    /// input.</summary>
    public CancellationToken Token => _source.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        _signals.Dispose();
        lock (_lock)
        {
            _disposed = true;
            _source.Dispose();
        }
    }

    private void AwaitEndOfInput()
    {
        using (var input = Console.OpenStandardInput())
            while (input.ReadByte() >= 0) { }
        Stop();
    }

    private void Stop(PosixSignal signal)
    {
        // A launcher ends all ranks so when one has died.
        _terminal.Error.WriteLine(signal == PosixSignal.SIGTERM && Launcher.OfThisProcess is not null
            ? $"the launcher ends this run, as it does when a rank has died: {_stopping}."
            : StopSignals.Answer(_stopping));
        Stop();
    }

    // The command may have ended already: because of another rank, for example.
    private void Stop()
    {
        lock (_lock)
        {
            if (!_disposed) _source.Cancel();
        }
    }

    // Environment.Exit would take native libraries apart while other threads compute in them, and can wait forever for
    // a thread inside a system call, such as opening a pipe that has no writer.
    private void ExitAtOnce()
    {
        _modes.Restore();
        Exit(ExitCode.Interrupted);
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int code);
}
