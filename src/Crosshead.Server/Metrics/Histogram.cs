namespace Crosshead.Server.Metrics;

/// <summary>Counts values by size. May be used by any number of threads.</summary>
/// <param name="bounds">The upper ends of its buckets, ascending; values above the last one are counted too.</param>
internal sealed class Histogram(params double[] bounds)
{
    private readonly long[] _counts = new long[bounds.Length + 1];
    private double _sum;

    /// <summary>Bounds for times in seconds, from a millisecond to ten minutes.</summary>
    public static double[] Seconds { get; } =
        [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

    /// <summary>Bounds for numbers of tokens, from 1 to a million.</summary>
    public static double[] Tokens { get; } =
        [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000, 1000000];

    /// <summary>Counts a value.</summary>
    public void Add(double value)
    {
        var bucket = 0;
        while (bucket < bounds.Length && value > bounds[bucket]) bucket++;
        Interlocked.Increment(ref _counts[bucket]);
        for (var sum = Volatile.Read(ref _sum); ;)
        {
            var seen = Interlocked.CompareExchange(ref _sum, sum + value, sum);
            if (seen.Equals(sum)) return;
            sum = seen;
        }
    }

    /// <summary>Writes it, each bucket with the number of values up to its end.</summary>
    public void Write(PrometheusText text, string name)
    {
        var total = 0L;
        for (var i = 0; i < bounds.Length; i++)
            text.Sample(name + "_bucket", total += Interlocked.Read(ref _counts[i]),
                ("le", PrometheusText.Number(bounds[i])));
        total += Interlocked.Read(ref _counts[^1]);
        text.Sample(name + "_bucket", total, ("le", "+Inf"));
        text.Sample(name + "_sum", Volatile.Read(ref _sum));
        text.Sample(name + "_count", total);
    }
}
