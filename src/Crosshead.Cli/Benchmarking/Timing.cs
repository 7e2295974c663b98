using System.Diagnostics;

namespace Crosshead.Cli.Benchmarking;

/// <summary>How long one repetition of something took.</summary>
/// <param name="Median">Median in seconds.</param>
/// <param name="Fastest">The shortest in seconds.</param>
/// <param name="Slowest">The longest in seconds.</param>
/// <param name="Repetitions">Repetitions timed, those of the warm-up not among them.</param>
internal sealed record Timing(double Median, double Fastest, double Slowest, int Repetitions)
{
    private const int WarmUp = 3;

    /// <summary>
    /// Repeats an action three times untimed, then timed for at least the given time and the given number of times.
    /// </summary>
    /// <param name="action">What is timed.</param>
    /// <param name="wait">Waits until the device has finished.</param>
    /// <param name="seconds">Time to spend on timed repetitions.</param>
    /// <param name="atLeast">Fewest timed repetitions.</param>
    /// <param name="cancellation">Stops between repetitions.</param>
    public static Timing Of(Action action, Action wait, double seconds, int atLeast, CancellationToken cancellation) =>
        Of(() =>
        {
            var from = Stopwatch.GetTimestamp();
            action();
            wait();
            return Stopwatch.GetElapsedTime(from).TotalSeconds;
        }, seconds, atLeast, cancellation);

    /// <summary>As the other overload, of an action that times what matters of it.</summary>
    /// <param name="timed">Does it once and returns the seconds it took.</param>
    /// <param name="seconds">Time to spend on timed repetitions.</param>
    /// <param name="atLeast">Fewest timed repetitions.</param>
    /// <param name="cancellation">Stops between repetitions.</param>
    public static Timing Of(Func<double> timed, double seconds, int atLeast, CancellationToken cancellation)
    {
        for (var i = 0; i < WarmUp; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            timed();
        }

        var times = new List<double>();
        var start = Stopwatch.GetTimestamp();
        while (times.Count < atLeast || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds)
        {
            cancellation.ThrowIfCancellationRequested();
            times.Add(timed());
        }
        times.Sort();
        var median = (times[(times.Count - 1) / 2] + times[times.Count / 2]) / 2;
        return new Timing(median, times[0], times[^1], times.Count);
    }
}
