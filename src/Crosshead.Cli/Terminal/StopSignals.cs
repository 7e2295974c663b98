using System.Runtime.InteropServices;

namespace Crosshead.Cli.Terminal;

/// <summary>
/// The signals that ask this process to end: Ctrl-C, SIGTERM, SIGQUIT, a closed terminal (SIGHUP) and SIGUSR1. The
/// first asks it to come to an end in order. The second ends it at once, unless it is SIGUSR1, which schedulers send
/// ahead of time.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private const PosixSignal UserSignal = (PosixSignal)10; // SIGUSR1, which .NET has no name for

    private static readonly PosixSignal[] s_all =
        [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGQUIT, PosixSignal.SIGHUP, UserSignal];

    private readonly SignalEchoes _echoes = new();
    private readonly Action<PosixSignal> _stop;
    private readonly Action _stopAtOnce;
    private readonly Func<PosixSignal, bool> _isForPart;
    private readonly PosixSignalRegistration[] _registrations;
    private int _heard;

    /// <summary>Starts to listen; stops when disposed.</summary>
    /// <param name="stop">Takes the first signal.</param>
    /// <param name="stopAtOnce">Called at the second.</param>
    /// <param name="isForPart">Whether a signal ends a part of the work only, and does not count; null if none
    /// does.</param>
    public StopSignals(Action<PosixSignal> stop, Action stopAtOnce, Func<PosixSignal, bool>? isForPart = null)
    {
        (_stop, _stopAtOnce, _isForPart) = (stop, stopAtOnce, isForPart ?? (_ => false));
        _registrations = new PosixSignalRegistration[s_all.Length];
        for (var i = 0; i < s_all.Length; i++) _registrations[i] = PosixSignalRegistration.Create(s_all[i], Handle);
    }

    /// <summary>The line that answers the first signal.</summary>
    /// <param name="stopping">What happens now, such as <c>stopping after this step</c>.</param>
    public static string Answer(string stopping) => $"{stopping}; once more to stop at once.";

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        context.Cancel = true;
        var signal = context.Signal;
        if (_echoes.IsOne(signal) || _isForPart(signal)) return;
        if (Interlocked.Increment(ref _heard) == 1) _stop(signal);
        else if (signal != UserSignal) _stopAtOnce();
    }
}
