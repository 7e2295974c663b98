namespace Crosshead.Cli.LoadTesting.Measures;

/// <summary>What is told of many durations, in milliseconds. All values are NaN if there are no durations.</summary>
/// <param name="Mean">The mean.</param>
/// <param name="Median">Half of the durations are shorter.</param>
/// <param name="P90">90 % of the durations are shorter.</param>
/// <param name="P99">99 % of the durations are shorter.</param>
/// <param name="Longest">The longest duration.</param>
internal sealed record LatencySummary(double Mean, double Median, double P90, double P99, double Longest)
{
    /// <summary>Summarises durations in seconds.</summary>
    public static LatencySummary Of(IEnumerable<double> seconds)
    {
        double[] sorted = [.. seconds.Order()];
        return sorted.Length == 0 ? new LatencySummary(double.NaN, double.NaN, double.NaN, double.NaN, double.NaN)
            : new LatencySummary(1000 * sorted.Average(), 1000 * Percentile(sorted, 50), 1000 * Percentile(sorted, 90),
                1000 * Percentile(sorted, 99), 1000 * sorted[^1]);
    }

    /// <summary>The value below which a share of values lies, with linear interpolation between two values.</summary>
    /// <param name="sorted">At least one value, in ascending order.</param>
    /// <param name="percent">The share, from 0 to 100.</param>
    public static double Percentile(ReadOnlySpan<double> sorted, double percent)
    {
        var place = percent / 100 * (sorted.Length - 1);
        var below = (int)Math.Floor(place);
        var above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((place - below) * (sorted[above] - sorted[below]));
    }
}
