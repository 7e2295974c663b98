using Crosshead.Cli.Demo;

namespace Crosshead.Tests.Cli;

public sealed class DemoScheduleTests
{
    private static readonly TimeSpan FourAndAHalf = TimeSpan.FromMinutes(4.5);

    [Theory]
    [InlineData(0.09, 2, true)] // three variants at 30 ms a step
    [InlineData(0.15, 2, true)]
    [InlineData(0.24, 2, true)] // less time for compression
    [InlineData(0.30, 1, true)] // a step of 100 ms: one learning rate
    [InlineData(0.45, 1, true)]
    [InlineData(0.60, 1, false)] // 200 ms: too slow
    [InlineData(5.0, 1, false)]
    public void Rates_and_steps_follow_from_the_speed(double roundSeconds, int rates, bool compares)
    {
        var plan = DemoSchedule.Of(roundSeconds, FourAndAHalf);
        Assert.Equal((rates, compares), (plan.Rates, plan.Compares));
        Assert.Equal(compares, plan.Steps >= 300);
        // Evaluations included, all of it fits in the time.
        var training = (plan.Steps + (13 * 16 / 3.0)) * roundSeconds * plan.Rates;
        Assert.True(!compares || training + plan.Compression.TotalSeconds <= FourAndAHalf.TotalSeconds,
            $"{training} s of training");
    }

    [Fact]
    public void A_faster_machine_takes_more_steps() =>
        Assert.True(DemoSchedule.Of(0.06, FourAndAHalf).Steps > 1.8 * DemoSchedule.Of(0.12, FourAndAHalf).Steps);

    [Fact]
    public void The_time_that_is_needed_is_enough()
    {
        const double Round = 1.2;
        Assert.False(DemoSchedule.Of(Round, FourAndAHalf).Compares);
        var plan = DemoSchedule.Of(Round, DemoSchedule.Needed(Round));
        Assert.Equal((1, true), (plan.Rates, plan.Compares));
    }

    [Fact]
    public void Without_time_the_runs_are_still_runs() =>
        Assert.Equal(20, DemoSchedule.Of(1, TimeSpan.FromSeconds(-5)).Steps);

    [Theory]
    [InlineData(60, 76, true)]
    [InlineData(60, 74, false)]
    public void Another_rate_is_begun_where_all_of_its_runs_fit(double last, double left, bool fits) =>
        Assert.Equal(fits, DemoSchedule.HasRoom(TimeSpan.FromSeconds(last), TimeSpan.FromSeconds(left)));
}
