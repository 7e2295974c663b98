using System.Diagnostics;

namespace Crosshead.Runtime;

/// <summary>
/// How fast the pages of a map are touched for the first time. In some virtual machines each few pages are a call to
/// the host, and a file whose cache is of small pages is copied out of it several times sooner than touched. What is
/// read once is copied there. Elsewhere it is read in the map.
/// </summary>
internal sealed class FirstTouch
{
    // Bytes a second on one thread. A copy has 8 GB/s or more, a touch 2 in such a machine and 15 or more elsewhere.
    private const double SlowSpeed = 5e9;

    private const long LeastBytes = 1 << 20; // that are worth a measurement
    private const int Measurements = 3; // the first may wait for a compiler

    private readonly Lock _lock = new();
    private int _measured;
    private double _best; // bytes a second
    private volatile bool _isSlow;

    /// <summary>Whether bytes that are read once are better copied.</summary>
    public bool IsSlow => _isSlow;

    /// <summary>Notes that bytes were touched and read.</summary>
    /// <param name="bytes">Their number.</param>
    /// <param name="began">The time stamp when that began.</param>
    public void Note(long bytes, long began)
    {
        if (bytes < LeastBytes) return;
        var speed = bytes / Stopwatch.GetElapsedTime(began).TotalSeconds;
        lock (_lock)
        {
            _best = Math.Max(_best, speed);
            if (++_measured == Measurements) _isSlow = _best < SlowSpeed;
        }
    }

    /// <summary>
    /// Says that all is read in the map from now on: because it is soon read again, or the system's file cache lacks
    /// some, which the map brings there in large pages.
    /// </summary>
    public void EndCopies()
    {
        lock (_lock) (_measured, _isSlow) = (Measurements, false);
    }
}
