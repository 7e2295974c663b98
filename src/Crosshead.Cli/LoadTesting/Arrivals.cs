using Crosshead.Cli.LoadTesting.Prompts;

namespace Crosshead.Cli.LoadTesting;

/// <summary>The times at which requests are sent.</summary>
internal static class Arrivals
{
    /// <summary>
    /// Times in seconds from the start, in ascending order. The gaps between requests are gamma distributed with mean
    /// 1/rate, and scaled so that the last request is due exactly after count/rate seconds.
    /// </summary>
    /// <param name="count">Number of requests.</param>
    /// <param name="rate">Requests per second; infinite to send all at once.</param>
    /// <param name="burstiness">Shape of the gamma distribution: 1 is a Poisson process, less is burstier, infinite is
    /// a constant gap.</param>
    /// <param name="random">Source of the gaps.</param>
    public static double[] Times(int count, double rate, double burstiness, Random random)
    {
        var times = new double[count];
        if (double.IsPositiveInfinity(rate)) return times;
        var time = 0.0;
        for (var i = 0; i < count; i++)
            times[i] = time += double.IsPositiveInfinity(burstiness) ? 1 / rate
                : Distributions.Gamma(burstiness, random) / (rate * burstiness);
        // The sum of a few hundred random gaps is off by some percent, which would blur comparisons.
        if (time > 0)
            for (var i = 0; i < count; i++) times[i] *= count / rate / time;
        return times;
    }
}
