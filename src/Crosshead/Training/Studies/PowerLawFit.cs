namespace Crosshead.Training.Studies;

/// <summary>
/// The law L(D) = (D_c/D)^α + L_0, fitted to a run's held-out losses L after D tokens (arXiv 2601.19611, appendix D).
/// The 95 % confidence intervals follow from the delta method and Student's t. They assume that deviations from the
/// curve are independent and of equal size. The intervals of α and D_c are symmetric in their logarithms.
/// </summary>
public sealed record PowerLawFit
{
    /// <summary>Least number of points after the warm-up for a fit: twice the number of parameters.</summary>
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
        // Equal steps on a logarithmic axis.
        Curve = [.. Enumerable.Range(0, CurvePoints)
            .Select(i => first * Math.Pow(last / first, i / (CurvePoints - 1.0))).Select(t => (t, At(t)))];
    }

    /// <summary>The exponent α, which says how fast the loss falls.</summary>
    public Estimate Alpha { get; init; }

    /// <summary>D_c in tokens: after this number of tokens the loss is 1 nat above <see cref="Floor"/>.</summary>
    public Estimate DataScale { get; init; }

    /// <summary>L_0, the limit that the loss approaches, in nats per token.</summary>
    public Estimate Floor { get; init; }

    /// <summary>Standard deviation of the points around the curve, in nats per token.</summary>
    public double Noise { get; init; }

    /// <summary>
    /// The points that the curve was fitted to. Points of the warm-up, points of a start that does not fit, and
    /// outliers are left out.
    /// </summary>
    public IReadOnlyList<(double Tokens, double Loss)> Used { get; init; }

    /// <summary>
    /// The fitted loss at numbers of tokens from the first to the last used point. Each loss has its own 95 %
    /// confidence interval.
    /// </summary>
    public IReadOnlyList<(double Tokens, Estimate Loss)> Curve { get; init; }

    /// <summary>Fits the law to the losses of a run.</summary>
    /// <param name="curve">Number of tokens seen and held-out loss of each evaluation, in order.</param>
    /// <param name="warmupTokens">Number of tokens in the learning rate's warm-up. Points up to this number are left
    /// out.</param>
    /// <param name="refusal">The reason why there is no fit; null if there is a fit.</param>
    /// <returns>The fit; null if the curve does not determine a law.</returns>
    public static PowerLawFit? Of(IReadOnlyList<(double Tokens, double Loss)> curve, double warmupTokens,
        out string? refusal) =>
        PowerLawFitting.Fit(curve, warmupTokens, out refusal);

    /// <summary>Returns the fitted loss after a number of tokens, with its 95 % confidence interval.</summary>
    public Estimate At(double tokens) => Around(_law.At(tokens), DeviationAt(tokens));

    /// <summary>Returns the standard deviation of the curve at a number of tokens.</summary>
    internal double DeviationAt(double tokens) => Deviation(_law.Gradient(tokens));

    private Estimate Around(double value, double deviation) =>
        new(value, value - (_quantile * deviation), value + (_quantile * deviation));

    private Estimate InLogarithm(double value, double[] gradient)
    {
        var factor = Math.Exp(_quantile * Deviation(gradient));
        return new Estimate(value, value / factor, value * factor);
    }

    // √(gᵀ C g), the standard deviation of a quantity with the gradient g with respect to (α, a, L_0).
    private double Deviation(double[] gradient)
    {
        var sum = 0.0;
        for (var i = 0; i < gradient.Length; i++)
            for (var j = 0; j < gradient.Length; j++) sum += gradient[i] * _covariance[i, j] * gradient[j];
        return Math.Sqrt(Math.Max(0, sum));
    }

    // The covariance C = σ² (JᵀJ)⁻¹, with the inverse from cofactors.
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

    // The 97.5 % quantile of Student's t, expanded around the normal quantile (Abramowitz & Stegun 26.7.5). The error
    // is below 1 % from three degrees of freedom on.
    internal static double StudentQuantile(int freedom)
    {
        var (z, n) = (NormalQuantile, (double)freedom);
        double Power(int k) => Math.Pow(z, k);
        return z + ((Power(3) + z) / (4 * n))
            + (((5 * Power(5)) + (16 * Power(3)) + (3 * z)) / (96 * n * n))
            + (((3 * Power(7)) + (19 * Power(5)) + (17 * Power(3)) - (15 * z)) / (384 * n * n * n));
    }
}
