using System.Runtime.InteropServices;

namespace Crosshead.Cli;

/// <summary>
/// Ctrl-C and SIGTERM: the first asks the command to finish its step and save, the second stops the process at once.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly PosixSignalRegistration[] _registrations;
    private readonly Terminal _terminal;
    private int _signals;

    /// <summary>Listens until disposed.</summary>
    public Interruption(Terminal terminal, CancellationToken outer)
    {
        _terminal = terminal;
        _source = CancellationTokenSource.CreateLinkedTokenSource(outer);
        _registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle)];
    }

    /// <summary>Set by the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _source.Dispose();
    }

    private void Handle(PosixSignalContext signal)
    {
        signal.Cancel = true;
        if (Interlocked.Increment(ref _signals) > 1)
            Environment.Exit(ExitCode.Interrupted);
        _terminal.Error.WriteLine("stopping after this step; once more to stop at once.");
        _source.Cancel();
    }
}
