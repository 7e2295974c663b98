namespace Crosshead.Training.Studies;

/// <summary>
/// A power law fitted by least squares to the points that are not outliers. First, a fit of least absolute deviations
/// shows how far points usually lie from the curve; spikes hardly affect this fit. Then points farther away than
/// <see cref="OutlierDistance"/> standard deviations are left out, and the law is fitted again. This ends when the same
/// points are left out twice.
/// </summary>
internal sealed record TrimmedPowerLaw
{
    /// <summary>Number of standard deviations beyond which a point is an outlier.</summary>
    public const double OutlierDistance = 4;

    private const int AbsoluteRounds = 12, TrimRounds = 12;
    private const double Coarse = 1e-5, Fine = 1e-11;
    // The standard deviation of a normal distribution divided by its median absolute deviation.
    private const double NormalMedian = 1.4826;

    /// <summary>The fitted curve.</summary>
    public required PowerLaw Law { get; init; }

    /// <summary>For each point, whether the fit used it.</summary>
    public required bool[] Used { get; init; }

    /// <summary>Standard deviation of the used points around the curve, in nats per token.</summary>
    public required double Noise { get; init; }

    /// <summary>Degrees of freedom: the number of used points minus the number of parameters.</summary>
    public int Freedom => Used.Count(u => u) - PowerLaw.Parameters;

    /// <summary>Fits a law to points. There must be more points than parameters.</summary>
    public static TrimmedPowerLaw Of(IReadOnlyList<(double Tokens, double Loss)> points)
    {
        var solver = new PowerLawSolver(points);
        var law = LeastAbsolute(solver, points);
        var noise = MedianDeviation(Residuals(law, points));
        var used = Within(law, points, noise);
        for (var round = 0; round < TrimRounds; round++)
        {
            law = solver.Solve([.. used.Select(u => u ? 1.0 : 0)], Fine);
            noise = Math.Sqrt(points.Where((_, i) => used[i])
                .Sum(p => Math.Pow(p.Loss - law.At(p.Tokens), 2)) / (used.Count(u => u) - PowerLaw.Parameters));
            var next = Within(law, points, Math.Max(noise, MedianDeviation(Residuals(law, points))));
            if (next.SequenceEqual(used)) break;
            used = next;
        }
        return new TrimmedPowerLaw { Law = law, Used = used, Noise = noise };
    }

    // Repeats weighted least squares. Each point's weight is the inverse of its last distance from the curve.
    private static PowerLaw LeastAbsolute(PowerLawSolver solver, IReadOnlyList<(double Tokens, double Loss)> points)
    {
        var least = 1e-4 * (points.Max(p => p.Loss) - points.Min(p => p.Loss));
        var weights = Enumerable.Repeat(1.0, points.Count).ToArray();
        var law = solver.Solve(weights, Coarse);
        for (var round = 0; round < AbsoluteRounds; round++)
        {
            for (var i = 0; i < weights.Length; i++)
                weights[i] = 1 / Math.Max(least, Math.Abs(points[i].Loss - law.At(points[i].Tokens)));
            law = solver.Solve(weights, Coarse);
        }
        return law;
    }

    private static double[] Residuals(PowerLaw law, IReadOnlyList<(double Tokens, double Loss)> points) =>
        [.. points.Select(p => p.Loss - law.At(p.Tokens))];

    // Skips as many of the smallest distances as there are parameters, because a fit can pass exactly through that many
    // points.
    private static double MedianDeviation(double[] residuals)
    {
        var distances = residuals.Select(Math.Abs).Order().Skip(PowerLaw.Parameters).ToArray();
        return NormalMedian * distances[distances.Length / 2];
    }

    // Without noise, the floor of 1e-9 keeps rounding errors from counting as outliers.
    private static bool[] Within(PowerLaw law, IReadOnlyList<(double Tokens, double Loss)> points, double noise)
    {
        var reach = OutlierDistance * Math.Max(noise, 1e-9 * points.Max(p => Math.Abs(p.Loss)));
        var used = points.Select(p => Math.Abs(p.Loss - law.At(p.Tokens)) <= reach).ToArray();
        return used.Count(u => u) > PowerLaw.Parameters ? used : [.. points.Select(_ => true)];
    }
}
