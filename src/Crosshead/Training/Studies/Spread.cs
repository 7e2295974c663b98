namespace Crosshead.Training.Studies;

/// <summary>A mean and the standard deviation of what it is the mean of.</summary>
/// <param name="Mean">The mean.</param>
/// <param name="Deviation">The standard deviation of the sample (n − 1); null for a single value.</param>
public readonly record struct Spread(double Mean, double? Deviation)
{
    internal static Spread Of(double[] values)
    {
        var mean = values.Average();
        return new(mean, values.Length < 2 ? null
            : Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1)));
    }
}
