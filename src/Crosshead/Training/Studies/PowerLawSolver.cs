namespace Crosshead.Training.Studies;

/// <summary>
/// Weighted least squares for a power law by variable projection. For a given α, a straight line through (x^−α, L)
/// gives the other two parameters. Only α is searched.
/// </summary>
internal sealed class PowerLawSolver
{
    /// <summary>
    /// The range of exponents to search. A result at either end means that the data do not follow a power law.
    /// </summary>
    public const double LeastAlpha = 0.02, MostAlpha = 3;

    private const int GridPoints = 32;
    private static readonly double s_golden = (Math.Sqrt(5) - 1) / 2;

    private readonly double[] _logs, _losses, _powers;
    private readonly double _reference;

    public PowerLawSolver(IReadOnlyList<(double Tokens, double Loss)> points)
    {
        _reference = Math.Exp(points.Average(p => Math.Log(p.Tokens)));
        _logs = [.. points.Select(p => Math.Log(p.Tokens / _reference))];
        _losses = [.. points.Select(p => p.Loss)];
        _powers = new double[points.Count];
    }

    /// <summary>
    /// Returns the law with the least weighted sum of squares. A grid of exponents gives a first α, and a
    /// golden-section search refines it.
    /// </summary>
    /// <param name="weights">One weight per point; at least three are positive.</param>
    /// <param name="precision">Precision of ln α.</param>
    public PowerLaw Solve(IReadOnlyList<double> weights, double precision)
    {
        var (low, high) = (Math.Log(LeastAlpha), Math.Log(MostAlpha));
        var step = (high - low) / (GridPoints - 1);
        var best = low + (step * Enumerable.Range(0, GridPoints).MinBy(i => Residual(low + (i * step), weights)));
        (low, high) = (Math.Max(low, best - step), Math.Min(high, best + step));

        var (left, right) = (high - (s_golden * (high - low)), low + (s_golden * (high - low)));
        var (atLeft, atRight) = (Residual(left, weights), Residual(right, weights));
        while (high - low > precision)
        {
            if (atLeft < atRight)
            {
                (high, right, atRight) = (right, left, atLeft);
                atLeft = Residual(left = high - (s_golden * (high - low)), weights);
            }
            else
            {
                (low, left, atLeft) = (left, right, atRight);
                atRight = Residual(right = low + (s_golden * (high - low)), weights);
            }
        }
        return Project((low + high) / 2, weights);
    }

    private double Residual(double logAlpha, IReadOnlyList<double> weights)
    {
        var law = Project(logAlpha, weights);
        var sum = 0.0;
        for (var i = 0; i < _losses.Length; i++)
        {
            var difference = _losses[i] - (law.Amplitude * _powers[i]) - law.Floor;
            sum += weights[i] * difference * difference;
        }
        return sum;
    }

    // Fits the straight line through (x^−α, L).
    private PowerLaw Project(double logAlpha, IReadOnlyList<double> weights)
    {
        var alpha = Math.Exp(logAlpha);
        var (weight, power, loss) = (0.0, 0.0, 0.0);
        for (var i = 0; i < _losses.Length; i++)
        {
            _powers[i] = Math.Exp(-alpha * _logs[i]);
            weight += weights[i];
            power += weights[i] * _powers[i];
            loss += weights[i] * _losses[i];
        }
        (power, loss) = (power / weight, loss / weight);
        var (square, product) = (0.0, 0.0);
        for (var i = 0; i < _losses.Length; i++)
        {
            var difference = _powers[i] - power;
            square += weights[i] * difference * difference;
            product += weights[i] * difference * (_losses[i] - loss);
        }
        var amplitude = product / square;
        return new PowerLaw(alpha, amplitude, loss - (amplitude * power), _reference);
    }
}
