using System.Runtime.InteropServices;
using Crosshead.Runtime.Distributed;

namespace Crosshead.Cli.Terminal;

/// <summary>
/// Handles Ctrl-C, SIGTERM, SIGQUIT, a closed terminal (SIGHUP) and SIGUSR1. The first signal asks the command to
/// finish its step and save. The second stops the process at once, unless it is SIGUSR1, which schedulers send ahead of
/// time. The end of standard input also asks a supervised process, or a rank that this program started, to stop, so
/// that the process never outlives its supervisor.
/// </summary>
internal sealed partial class Interruption : IDisposable
{
    /// <summary>The environment variable that a process sets to 1 for the processes that it supervises.</summary>
    public const string SupervisedVariable = "CROSSHEAD_SUPERVISED";

    /// <summary>Whether another process of this program started this one.</summary>
    public static bool IsSupervised => Environment.GetEnvironmentVariable(SupervisedVariable) == "1";

    private const PosixSignal UserSignal = (PosixSignal)10; // SIGUSR1, which .NET has no name for

    private readonly Lock _lock = new();
    private readonly TerminalModes _modes = new();
    private readonly SignalEchoes _echoes = new();
    private readonly CancellationTokenSource _source;
    private readonly PosixSignalRegistration[] _registrations;
    private readonly StandardStreams _terminal;
    private int _signals;
    private bool _disposed;

    /// <summary>Starts to listen; stops when disposed.</summary>
    public Interruption(StandardStreams terminal, CancellationToken outer)
    {
        _terminal = terminal;
        _source = CancellationTokenSource.CreateLinkedTokenSource(outer);
        PosixSignal[] signals =
            [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGQUIT, PosixSignal.SIGHUP, UserSignal];
        _registrations = new PosixSignalRegistration[signals.Length];
        for (var i = 0; i < signals.Length; i++) _registrations[i] = PosixSignalRegistration.Create(signals[i], Handle);
        if (IsSupervised || Launcher.OfThisProcess is { Meeting: not null })
            new Thread(AwaitEndOfInput) { IsBackground = true }.Start();
    }

    /// <summary>Cancelled by the first signal; in a supervised process or rank also by the end of standard
    /// input.</summary>
    public CancellationToken Token => _source.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
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

    private void Handle(PosixSignalContext signal)
    {
        signal.Cancel = true;
        if (_echoes.IsOne(signal.Signal)) return;
        if (signal.Signal == PosixSignal.SIGINT && _terminal.Step?.TryStop() == true) return;
        if (Interlocked.Increment(ref _signals) > 1)
        {
            if (signal.Signal == UserSignal) return;
            ExitAtOnce();
        }
        // A launcher ends all ranks so when one has died.
        _terminal.Error.WriteLine(signal.Signal == PosixSignal.SIGTERM && Launcher.OfThisProcess is not null
            ? "the launcher ends this run, as it does when a rank has died: stopping after this step."
            : "stopping after this step; once more to stop at once.");
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
