using System.Runtime.InteropServices;

namespace Crosshead.Cli.Terminal;

/// <summary>
/// Ctrl-C, SIGTERM, SIGQUIT and a closed terminal (SIGHUP): the first asks the command to finish its step and save, the
/// second stops the process at once. A supervised process is asked by the end of its standard input too, so that it
/// never outlives who started it.
/// </summary>
internal sealed partial class Interruption : IDisposable
{
    /// <summary>The environment variable that a process sets to 1 for one that it supervises.</summary>
    public const string SupervisedVariable = "CROSSHEAD_SUPERVISED";

    /// <summary>Whether another process of this program started this one.</summary>
    public static bool IsSupervised => Environment.GetEnvironmentVariable(SupervisedVariable) == "1";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _source;
    private readonly PosixSignalRegistration[] _registrations;
    private readonly StandardStreams _terminal;
    private int _signals;
    private bool _disposed;

    /// <summary>Listens until disposed.</summary>
    public Interruption(StandardStreams terminal, CancellationToken outer)
    {
        _terminal = terminal;
        _source = CancellationTokenSource.CreateLinkedTokenSource(outer);
        PosixSignal[] signals = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGQUIT, PosixSignal.SIGHUP];
        _registrations = [.. signals.Select(signal => PosixSignalRegistration.Create(signal, Handle))];
        if (IsSupervised)
            new Thread(AwaitEndOfInput) { IsBackground = true }.Start();
    }

    /// <summary>Set by the first signal.</summary>
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
        // The command may be done by now.
        lock (_lock)
        {
            if (!_disposed) _source.Cancel();
        }
    }

    private void Handle(PosixSignalContext signal)
    {
        signal.Cancel = true;
        if (Interlocked.Increment(ref _signals) > 1)
            ExitAtOnce();
        _terminal.Error.WriteLine("stopping after this step; once more to stop at once.");
        _source.Cancel();
    }

    // The runtime's own end can wait for ever for a thread that is within the system, as in opening a pipe that nobody
    // writes.
    private static void ExitAtOnce()
    {
        new Thread(() =>
        {
            Thread.Sleep(s_patience);
            Exit(ExitCode.Interrupted);
        })
        { IsBackground = true }.Start();
        Environment.Exit(ExitCode.Interrupted);
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int code);
}
