using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Crosshead.Cli.Terminal;

/// <summary>
/// Tells signals that are sent twice for one request: GNU <c>timeout</c>, as of coreutils 9.1, sends one to the process
/// and then the same to the group that the process belongs to.
/// </summary>
internal sealed class SignalEchoes
{
    /// <summary>How soon the same signal follows if it is no request of its own.</summary>
    public static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(250);

    private readonly Dictionary<PosixSignal, long> _times = []; // of the last requests

    /// <summary>Notes a signal. Whether it is the one before once more.</summary>
    public bool IsOne(PosixSignal signal)
    {
        lock (_times)
        {
            var now = Stopwatch.GetTimestamp();
            if (_times.TryGetValue(signal, out var last) && Stopwatch.GetElapsedTime(last, now) < Delay) return true;
            _times[signal] = now;
            return false;
        }
    }
}
