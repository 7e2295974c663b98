namespace Crosshead.Tests.Cli.LoadTesting;

/// <summary>A clock that stands still until it is moved. Timers move it and fire at once.</summary>
internal sealed class VirtualTime : TimeProvider
{
    private long _ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _ticks);

    public void Advance(double seconds) => Interlocked.Add(ref _ticks, (long)Math.Round(seconds * TimestampFrequency));

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Advance(dueTime.TotalSeconds);
        return TimeProvider.System.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
