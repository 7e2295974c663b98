namespace Crosshead.Training.Studies;

/// <summary>
/// The law L(D) = (D_c/D)^α + L_0 fitted to a run's held-out losses L by the tokens D seen (arXiv 2601.19611, appendix
/// D), with 95 % confidence by the delta method and Student's t; deviations from the curve are taken for independent
/// and of one size. The intervals of α and D_c are symmetric in their logarithms.
/// </summary>
public sealed record PowerLawFit
{
    /// <summary>Fewest points after the warm-up that a curve is fitted to: twice the parameters.</summary>
    public const int LeastPoints = 2 * PowerLaw.Parameters;

    private const double NormalQuantile = 1.959964;
    private const int CurvePoints = 60;

    private readonly PowerLaw _law;
    private readonly double[,] _covariance;
    private readonly double _quantile;

    internal PowerLawFit(TrimmedPowerLaw fit, IReadOnlyList<(double Tokens, double Loss)> points)
    {
        (_law, Noise) = (fit.Law, fit.Noise);
        Used = [.. points.Where((_, i) => fit.Used[i])];
        _quantile = StudentQuantile(fit.Freedom);
        _covariance = CovarianceOf(_law, Used, Noise);
        var (alpha, a) = (_law.Alpha, _law.Amplitude);
        Alpha = InLogarithm(alpha, [1 / alpha, 0, 0]);
        DataScale = InLogarithm(_law.DataScale, [-Math.Log(a) / (alpha * alpha), 1 / (a * alpha), 0]);
        Floor = Around(_law.Floor, Deviation([0, 0, 1]));
        var (first, last) = (Used[0].Tokens, Used[^1].Tokens);
        // Equal steps of a logarithmic axis.
        Curve = [.. Enumerable.Range(0, CurvePoints)
            .Select(i => first * Math.Pow(last / first, i / (CurvePoints - 1.0))).Select(t => (t, At(t)))];
    }

    /// <summary>α, how fast the loss falls.</summary>
    public Estimate Alpha { get; init; }

    /// <summary>D_c in tokens: after so many the loss is one nat above <see cref="Floor"/>.</summary>
    public Estimate DataScale { get; init; }

    /// <summary>L_0 in nats a token, which the loss approaches.</summary>
    public Estimate Floor { get; init; }

    /// <summary>Standard deviation of the points around the curve, in nats.</summary>
    public double Noise { get; init; }

    /// <summary>
    /// The points that the curve was fitted to: those of the warm-up, of a start that does not fit, and outliers are
    /// not among them.
    /// </summary>
    public IReadOnlyList<(double Tokens, double Loss)> Used { get; init; }

    /// <summary>
    /// The curve at numbers of tokens from the first to the last point, with a band of 95 % confidence, for each number
    /// by itself.
    /// </summary>
    public IReadOnlyList<(double Tokens, Estimate Loss)> Curve { get; init; }

    /// <summary>Fits the law to a curve.</summary>
    /// <param name="curve">Tokens seen and held-out loss of each evaluation, in order.</param>
    /// <param name="warmupTokens">Tokens of the learning rate's warm-up; points up to there are left out.</param>
    /// <param name="refusal">Why there is no fit, in words; null where there is one.</param>
    /// <returns>The fit; null where the curve does not determine one.</returns>
    public static PowerLawFit? Of(IReadOnlyList<(double Tokens, double Loss)> curve, double warmupTokens,
        out string? refusal) =>
        PowerLawFitting.Fit(curve, warmupTokens, out refusal);

    /// <summary>The fitted loss after a number of tokens.</summary>
    public Estimate At(double tokens) => Around(_law.At(tokens), DeviationAt(tokens));

    /// <summary>Standard deviation of the curve at a number of tokens.</summary>
    internal double DeviationAt(double tokens) => Deviation(_law.Gradient(tokens));

    private Estimate Around(double value, double deviation) =>
        new(value, value - (_quantile * deviation), value + (_quantile * deviation));

    private Estimate InLogarithm(double value, double[] gradient)
    {
        var factor = Math.Exp(_quantile * Deviation(gradient));
        return new Estimate(value, value / factor, value * factor);
    }

    // √(gᵀ C g), the standard deviation of what has the gradient g by (α, a, L_0).
    private double Deviation(double[] gradient)
    {
        var sum = 0.0;
        for (var i = 0; i < gradient.Length; i++)
            for (var j = 0; j < gradient.Length; j++) sum += gradient[i] * _covariance[i, j] * gradient[j];
        return Math.Sqrt(Math.Max(0, sum));
    }

    // C = σ² (JᵀJ)⁻¹, the inverse by cofactors.
    private static double[,] CovarianceOf(PowerLaw law,
        IReadOnlyList<(double Tokens, double Loss)> points, double noise)
    {
        var m = new double[PowerLaw.Parameters, PowerLaw.Parameters];
        foreach (var gradient in points.Select(p => law.Gradient(p.Tokens)))
            for (var i = 0; i < gradient.Length; i++)
                for (var j = 0; j < gradient.Length; j++) m[i, j] += gradient[i] * gradient[j];

        double Cofactor(int i, int j) =>
            (m[(i + 1) % 3, (j + 1) % 3] * m[(i + 2) % 3, (j + 2) % 3])
            - (m[(i + 1) % 3, (j + 2) % 3] * m[(i + 2) % 3, (j + 1) % 3]);
        var determinant = (m[0, 0] * Cofactor(0, 0)) + (m[0, 1] * Cofactor(0, 1)) + (m[0, 2] * Cofactor(0, 2));
        var covariance = new double[3, 3];
        for (var i = 0; i < 3; i++)
            for (var j = 0; j < 3; j++) covariance[i, j] = noise * noise * Cofactor(j, i) / determinant;
        return covariance;
    }

    // The 97.5 % quantile of Student's t by its expansion around the normal one (Abramowitz & Stegun 26.7.5): within 1
    // % from three degrees on.
    internal static double StudentQuantile(int freedom)
    {
        var (z, n) = (NormalQuantile, (double)freedom);
        double Power(int k) => Math.Pow(z, k);
        return z + ((Power(3) + z) / (4 * n))
            + (((5 * Power(5)) + (16 * Power(3)) + (3 * z)) / (96 * n * n))
            + (((3 * Power(7)) + (19 * Power(5)) + (17 * Power(3)) - (15 * z)) / (384 * n * n * n));
    }
}
