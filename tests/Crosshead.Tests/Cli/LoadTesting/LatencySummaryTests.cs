using Crosshead.Cli.LoadTesting.Measures;

namespace Crosshead.Tests.Cli.LoadTesting;

public sealed class LatencySummaryTests
{
    // numpy.percentile gives these values.
    [Theory]
    [InlineData(0, 1)]
    [InlineData(50, 2.5)]
    [InlineData(90, 3.7)]
    [InlineData(99, 3.97)]
    [InlineData(100, 4)]
    public void Percentiles_lie_between_values(double percent, double expected) =>
        Assert.Equal(expected, LatencySummary.Percentile([1, 2, 3, 4], percent), 12);

    [Fact]
    public void A_single_value_is_every_percentile() =>
        Assert.Equal(new LatencySummary(2000, 2000, 2000, 2000, 2000), LatencySummary.Of([2]));

    [Fact]
    public void Seconds_are_told_in_milliseconds_whatever_their_order()
    {
        var summary = LatencySummary.Of([0.4, 0.1, 0.3, 0.2]);
        Assert.Equal(250, summary.Mean, 9);
        Assert.Equal(250, summary.Median, 9);
        Assert.Equal(370, summary.P90, 9);
        Assert.Equal(397, summary.P99, 9);
        Assert.Equal(400, summary.Longest, 9);
    }

    [Fact]
    public void Nothing_has_no_summary() => Assert.True(double.IsNaN(LatencySummary.Of([]).Median));
}
