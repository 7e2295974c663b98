namespace Crosshead.Cli.Terminal;

/// <summary>
/// Shows the progress of one activity on standard error: share, rate and time left. The first two seconds show nothing.
/// After that a screen shows one line that rewrites itself; a file gets a new line every five seconds. Any thread may
/// report.
/// </summary>
internal sealed class ProgressLine(TextWriter error, bool screen, string activity, string unit,
    TimeProvider? time = null) : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2),
    s_screenPause = TimeSpan.FromMilliseconds(100), s_filePause = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly long _start = (time ?? TimeProvider.System).GetTimestamp();
    private readonly Lock _lock = new();
    private TimeSpan _next = s_patience;
    private int _shown;

    /// <summary>Reports how far the activity has come.</summary>
    /// <param name="done">Amount done, in the unit of the line.</param>
    /// <param name="total">Total amount; null if unknown.</param>
    /// <param name="detail">Text to show after the numbers; null for none.</param>
    public void Report(double done, double? total = null, string? detail = null) =>
        Report(elapsed => Text(done, total, detail, elapsed));

    /// <summary>Shows a line of the caller's own, at the same intervals as any other line.</summary>
    /// <param name="text">Makes the line from the time since the start; called only if the line is shown.</param>
    public void Report(Func<TimeSpan, string> text)
    {
        lock (_lock)
        {
            var elapsed = _time.GetElapsedTime(_start);
            if (elapsed < _next)
                return;
            _next = elapsed + (screen ? s_screenPause : s_filePause);
            Write(text(elapsed));
        }
    }

    /// <summary>Writes a line that stays, above the line that rewrites itself.</summary>
    public void Say(string text)
    {
        lock (_lock)
        {
            Clear();
            error.WriteLine(text);
        }
    }

    /// <summary>Removes the line from the screen.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            Clear();
        }
    }

    private void Clear()
    {
        if (_shown > 0)
            error.Write("\r" + new string(' ', _shown) + "\r");
        _shown = 0;
    }

    private string Text(double done, double? total, string? detail, TimeSpan elapsed)
    {
        var rate = done / elapsed.TotalSeconds;
        var text = total is > 0
            ? $"{activity}: {Math.Min(1, done / total.Value):P0} of {Amount(total.Value)}, {Amount(rate)}/s"
            : $"{activity}: {Amount(done)}, {Amount(rate)}/s";
        if (total > done && rate > 0)
            text += $", {Quantity.Time(TimeSpan.FromSeconds(Math.Min(1e8, (total.Value - done) / rate)))} left";
        return detail is null ? text : $"{text}, {detail}";
    }

    private string Amount(double value) => unit == "B" ? Quantity.Bytes(value) : $"{Quantity.Count(value)} {unit}";

    private void Write(string text)
    {
        if (screen)
        {
            error.Write("\r" + text.PadRight(_shown));
            _shown = text.Length;
        }
        else
        {
            error.WriteLine(text);
        }
    }
}
