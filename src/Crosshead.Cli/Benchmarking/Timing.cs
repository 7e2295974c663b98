using System.Diagnostics;

namespace Crosshead.Cli.Benchmarking;

/// <summary>How long a repetition took.</summary>
/// <param name="Median">Median in seconds.</param>
/// <param name="Fastest">Shortest time in seconds.</param>
/// <param name="Slowest">Longest time in seconds.</param>
/// <param name="Repetitions">Number of timed repetitions, without the warm-up.</param>
internal sealed record Timing(double Median, double Fastest, double Slowest, int Repetitions)
{
    private const int WarmUp = 3;

    /// <summary>
    /// Repeats an action three times untimed. Timed repetitions follow, for at least the given time and number.
    /// </summary>
    /// <param name="action">The action.</param>
    /// <param name="wait">Waits until the device has finished.</param>
    /// <param name="seconds">Time to spend on timed repetitions.</param>
    /// <param name="atLeast">Least number of timed repetitions.</param>
    /// <param name="cancellation">Stops between repetitions.</param>
    /// <param name="decide">Turns this process's wish for another repetition into that of all ranks.</param>
    public static Timing Of(Action action, Action wait, double seconds, int atLeast, CancellationToken cancellation,
        Func<bool, bool>? decide = null) =>
        Of(() =>
        {
            var from = Stopwatch.GetTimestamp();
            action();
            wait();
            return Stopwatch.GetElapsedTime(from).TotalSeconds;
        }, seconds, atLeast, cancellation, decide);

    /// <summary>Like the other overload, for an action that measures its own time.</summary>
    /// <param name="timed">Does the work once and returns the time in seconds.</param>
    /// <param name="seconds">Time to spend on timed repetitions.</param>
    /// <param name="atLeast">Least number of timed repetitions.</param>
    /// <param name="cancellation">Stops between repetitions.</param>
    /// <param name="decide">Turns this process's wish for another repetition into that of all ranks.</param>
    public static Timing Of(Func<double> timed, double seconds, int atLeast, CancellationToken cancellation,
        Func<bool, bool>? decide = null)
    {
        for (var i = 0; i < WarmUp; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            timed();
        }

        var times = new List<double>();
        var start = Stopwatch.GetTimestamp();
        bool WantsMore() => times.Count < atLeast || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds;
        while (decide is null ? WantsMore() : decide(WantsMore()))
        {
            cancellation.ThrowIfCancellationRequested();
            times.Add(timed());
        }
        times.Sort();
        var median = (times[(times.Count - 1) / 2] + times[times.Count / 2]) / 2;
        return new Timing(median, times[0], times[^1], times.Count);
    }
}
