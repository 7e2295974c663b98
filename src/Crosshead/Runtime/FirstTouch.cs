using System.Diagnostics;

namespace Crosshead.Runtime;

/// <summary>
/// How the bytes of a map are read for the first time: in the map, or as a copy out of the system's file cache. In some
/// virtual machines the first touch of each few pages is a call to the host, and a file whose cache is of small pages
/// is copied several times sooner. Elsewhere a copy is slower. So both are measured, and copies are made where they are
/// by far faster.
/// </summary>
internal sealed class FirstTouch
{
    private const double Faster = 1.5; // so that a copy pays although the pages are touched later

    private const long LeastBytes = 1 << 20; // that are worth a measurement
    private const int Measurements = 3; // of each; the first may wait for a compiler

    private readonly Lock _lock = new();
    private int _touches, _copies; // that were measured
    private double _touched, _copied; // bytes a second at best
    private volatile bool _isCopied;

    /// <summary>Whether bytes that are perhaps read once are better copied.</summary>
    public bool IsCopied => _isCopied;

    /// <summary>Notes that bytes were touched and read.</summary>
    /// <param name="bytes">Their number.</param>
    /// <param name="began">The time stamp when that began.</param>
    public void NoteTouch(long bytes, long began)
    {
        lock (_lock)
        {
            if (bytes < LeastBytes || _touches == Measurements) return;
            _touched = Math.Max(_touched, Speed(bytes, began));
            if (++_touches == Measurements) _isCopied = true;
        }
    }

    /// <summary>Notes that bytes were copied and read.</summary>
    /// <param name="bytes">Their number.</param>
    /// <param name="began">The time stamp when that began.</param>
    public void NoteCopy(long bytes, long began)
    {
        lock (_lock)
        {
            if (bytes < LeastBytes || _copies == Measurements) return;
            _copied = Math.Max(_copied, Speed(bytes, began));
            if (++_copies == Measurements) _isCopied = _copied > Faster * _touched;
        }
    }

    /// <summary>
    /// Says that all is read in the map from now on: because it is soon read again, or the system's file cache lacks
    /// some, which the map brings there in large pages.
    /// </summary>
    public void EndCopies()
    {
        lock (_lock) (_touches, _copies, _isCopied) = (Measurements, Measurements, false);
    }

    private static double Speed(long bytes, long began) => bytes / Stopwatch.GetElapsedTime(began).TotalSeconds;
}
