using Crosshead.Cli.LoadTesting;

namespace Crosshead.Tests.Cli.LoadTesting;

public sealed class ArrivalsTests
{
    [Fact]
    public void Without_a_rate_all_are_sent_at_once() =>
        Assert.Equal([0, 0, 0], Arrivals.Times(3, double.PositiveInfinity, 1, new Random(1)));

    [Fact]
    public void Constant_gaps_are_the_inverse_of_the_rate()
    {
        var times = Arrivals.Times(4, rate: 2, double.PositiveInfinity, new Random(1));
        Assert.All(times.Select((t, i) => t - (0.5 * (i + 1))), difference => Assert.Equal(0, difference, 12));
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(1)]
    [InlineData(4)]
    public void Random_gaps_have_the_mean_and_spread_of_their_distribution(double burstiness)
    {
        const int Count = 20_000;
        var times = Arrivals.Times(Count, rate: 5, burstiness, new Random(3));
        Assert.Equal(Count / 5.0, times[^1], 6);
        double[] gaps = [.. times.Zip(times.Prepend(0), (later, earlier) => later - earlier)];
        Assert.All(gaps, gap => Assert.True(gap >= 0));
        // The coefficient of variation of a gamma distribution is 1 / sqrt(shape).
        var variation = Math.Sqrt(gaps.Average(g => (g - 0.2) * (g - 0.2))) / 0.2;
        Assert.Equal(1 / Math.Sqrt(burstiness), variation, 0.05);
    }

    [Fact]
    public void A_poisson_process_has_exponential_gaps()
    {
        var times = Arrivals.Times(20_000, rate: 1, burstiness: 1, new Random(4));
        var longer = times.Zip(times.Prepend(0), (later, earlier) => later - earlier).Count(gap => gap > 1);
        Assert.Equal(Math.Exp(-1), longer / 20_000.0, 0.02);
    }

    [Fact]
    public void Equal_seeds_give_equal_times() =>
        Assert.Equal(Arrivals.Times(9, 3, 0.7, new Random(8)), Arrivals.Times(9, 3, 0.7, new Random(8)));
}
