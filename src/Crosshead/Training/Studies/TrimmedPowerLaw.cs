namespace Crosshead.Training.Studies;

/// <summary>
/// A power law fitted by least squares to the points that are no outliers. Least absolute deviations, which spikes
/// hardly move, say first how far points usually lie from the curve; a point farther than <see cref="OutlierDistance"/>
/// such deviations is left out, until the same points are left out twice.
/// </summary>
internal sealed record TrimmedPowerLaw
{
    /// <summary>Standard deviations beyond which a point is an outlier.</summary>
    public const double OutlierDistance = 4;

    private const int AbsoluteRounds = 12, TrimRounds = 12;
    private const double Coarse = 1e-5, Fine = 1e-11;
    // Standard deviations of a normal distribution in its median absolute deviation.
    private const double NormalMedian = 1.4826;

    /// <summary>The curve.</summary>
    public required PowerLaw Law { get; init; }

    /// <summary>Which of the points it was fitted to.</summary>
    public required bool[] Used { get; init; }

    /// <summary>Standard deviation of the points used around the curve, in nats.</summary>
    public required double Noise { get; init; }

    /// <summary>Points used beyond the number of parameters.</summary>
    public int Freedom => Used.Count(u => u) - PowerLaw.Parameters;

    /// <summary>Fits; there are more points than parameters.</summary>
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

    // Weighted least squares with the inverse of the last distance as weight, again and again.
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

    // As many of the smallest distances are passed over as there are parameters: the curve was bent to meet that many
    // points.
    private static double MedianDeviation(double[] residuals)
    {
        var distances = residuals.Select(Math.Abs).Order().Skip(PowerLaw.Parameters).ToArray();
        return NormalMedian * distances[distances.Length / 2];
    }

    // Without any noise the floor of rounding keeps points from being told apart.
    private static bool[] Within(PowerLaw law, IReadOnlyList<(double Tokens, double Loss)> points, double noise)
    {
        var reach = OutlierDistance * Math.Max(noise, 1e-9 * points.Max(p => Math.Abs(p.Loss)));
        var used = points.Select(p => Math.Abs(p.Loss - law.At(p.Tokens)) <= reach).ToArray();
        return used.Count(u => u) > PowerLaw.Parameters ? used : [.. points.Select(_ => true)];
    }
}
