using System.Diagnostics;
using System.Globalization;

namespace Crosshead.Runtime.Distributed;

/// <summary>
/// Notices that nothing goes on: a rank hangs, or has died unnoticed. A collective never returns then, whatever the
/// library, so that a thread beside it must look at the time.
/// </summary>
internal sealed class Watchdog : IDisposable
{
    /// <summary>The environment variable that names the seconds without progress after which a run ends.</summary>
    public const string Variable = "CROSSHEAD_WATCHDOG_SECONDS";

    private const int Begin = 1800, Later = 600; // seconds, before the first activity is named and after
    private const int Most = 7 * 24 * 3600;

    private readonly CancellationTokenSource _end = new();
    private readonly Action<string> _hangs;
    private readonly double? _seconds;
    private long _progress = Stopwatch.GetTimestamp();
    private string _activity = "";

    /// <summary>Begins to watch.</summary>
    /// <param name="seconds">After how many seconds without progress the run ends; null for the defaults.</param>
    /// <param name="hangs">Told once, on another thread, for how long nothing has gone on: "600 s".</param>
    public Watchdog(double? seconds, Action<string> hangs)
    {
        (_seconds, _hangs) = (seconds, hangs);
        new Thread(Watch) { IsBackground = true, Name = "watchdog" }.Start();
    }

    /// <summary>What goes on; setting it is progress.</summary>
    public string Activity
    {
        get => Volatile.Read(ref _activity);
        set
        {
            Volatile.Write(ref _activity, value);
            Progress();
        }
    }

    private double Patience => _seconds ?? (Activity.Length == 0 ? Begin : Later);

    /// <summary>Says that something went on.</summary>
    public void Progress() => Volatile.Write(ref _progress, Stopwatch.GetTimestamp());

    /// <summary>The seconds that the environment names; null for none.</summary>
    /// <exception cref="CrossheadException">It names something else.</exception>
    public static double? Seconds(Func<string, string?> variable)
    {
        if (variable(Variable) is not { Length: > 0 } text) return null;
        return double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
            && value is > 0 and <= Most ? value
            : throw new CrossheadException($"{Variable} (\"{text}\") must be a number of seconds above 0, up to "
                + $"{Most}; correct it or unset it.");
    }

    /// <summary>Ends watching.</summary>
    public void Dispose() => _end.Cancel();

    private void Watch()
    {
        var looked = Stopwatch.GetTimestamp();
        while (!_end.Token.WaitHandle.WaitOne(TimeSpan.FromSeconds(Math.Min(1, Patience / 10))))
        {
            // A process that was itself stopped has not waited for the others.
            if (Stopwatch.GetElapsedTime(looked).TotalSeconds >= Patience) Progress();
            looked = Stopwatch.GetTimestamp();
            if (Stopwatch.GetElapsedTime(Volatile.Read(ref _progress)).TotalSeconds < Patience) continue;
            _hangs(string.Create(CultureInfo.InvariantCulture, $"{Patience:0.#} s"));
            return;
        }
    }
}
