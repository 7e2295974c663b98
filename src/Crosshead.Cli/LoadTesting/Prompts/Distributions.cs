namespace Crosshead.Cli.LoadTesting.Prompts;

/// <summary>Random numbers with other distributions than the uniform one.</summary>
internal static class Distributions
{
    /// <summary>A gamma distributed number with scale 1 (Marsaglia and Tsang, 2000).</summary>
    /// <param name="shape">The shape, above 0; also the mean.</param>
    /// <param name="random">Source of uniform numbers.</param>
    public static double Gamma(double shape, Random random)
    {
        if (shape < 1)
            return Gamma(shape + 1, random) * Math.Pow(1 - random.NextDouble(), 1 / shape);
        var d = shape - (1.0 / 3);
        var c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            var x = Normal(random);
            var v = 1 + (c * x);
            if (v <= 0) continue;
            v = v * v * v;
            if (Math.Log(1 - random.NextDouble()) < (0.5 * x * x) + d - (d * v) + (d * Math.Log(v))) return d * v;
        }
    }

    /// <summary>A number with standard normal distribution (Box and Muller).</summary>
    public static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
