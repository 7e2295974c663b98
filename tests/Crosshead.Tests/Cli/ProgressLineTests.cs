using Crosshead.Cli.Terminal;


namespace Crosshead.Tests.Cli;

public sealed class ProgressLineTests
{
    private readonly StringWriter _error = new();
    private readonly Clock _clock = new();

    [Fact]
    public void Work_of_under_two_seconds_says_nothing()
    {
        Progress(screen: true, seconds: 1.9, every: 0.1);
        Assert.Equal("", _error.ToString());
    }

    [Fact]
    public void A_file_gets_a_line_every_five_seconds()
    {
        Progress(screen: false, seconds: 13, every: 0.5);
        var lines = _error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length); // at 2, 7 and 12 seconds
        Assert.Equal("reading: 10 % of 19.5 KiB, 1000 bytes/s, 18 s left", lines[0]);
        Assert.DoesNotContain("\r", _error.ToString());
    }

    [Fact]
    public void A_screen_gets_one_line_that_is_taken_away_at_the_end()
    {
        Progress(screen: true, seconds: 4, every: 0.5);
        var text = _error.ToString();
        Assert.DoesNotContain("\n", text);
        Assert.StartsWith("\rreading: ", text);
        Assert.Matches("\r +\r$", text);
    }

    // A thousand bytes a second out of 20,000.
    private void Progress(bool screen, double seconds, double every)
    {
        using var line = new ProgressLine(_error, screen, "reading", "B", _clock);
        for (var now = every; now <= seconds; now += every)
        {
            _clock.Now = TimeSpan.FromSeconds(now);
            line.Report(1000 * now, 20_000);
        }
    }

    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
