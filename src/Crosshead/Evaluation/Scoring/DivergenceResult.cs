namespace Crosshead.Evaluation.Scoring;

/// <summary>
/// How far a model is from a reference on a text. Tokens of one window are not independent of each other, so standard
/// errors are computed over windows: each window is one observation of a ratio.
/// </summary>
/// <param name="Model">How well the model predicts the text.</param>
/// <param name="Reference">How well the reference predicts the text.</param>
public sealed record DivergenceResult(PerplexityResult Model, PerplexityResult Reference)
{
    private const int HighPercent = 99;

    /// <summary>Token perplexity of the model, less that of the reference.</summary>
    public required Estimate PerplexityDifference { get; init; }

    /// <summary>
    /// Mean over tokens of the Kullback-Leibler divergence Σ p_reference · (log p_reference − log p_model), in nats.
    /// </summary>
    public required Estimate MeanDivergence { get; init; }

    /// <summary>
    /// The least divergence that at least 99 % of the tokens do not exceed, in nats. Its standard error is that of the
    /// share of tokens below it, carried over to divergences (Woodruff's method).
    /// </summary>
    public required Estimate HighDivergence { get; init; }

    /// <summary>The largest divergence at a token, in nats.</summary>
    public required double MaximumDivergence { get; init; }

    /// <summary>The share of tokens, from 0 to 1, at which both find the same token most likely.</summary>
    public required Estimate SameTop { get; init; }

    /// <summary>Number of windows.</summary>
    public required int Windows { get; init; }

    /// <summary>The result of all windows of a text.</summary>
    internal static DivergenceResult Of(string text, IReadOnlyList<WindowDivergence> windows)
    {
        var tokens = windows.Sum(w => w.Count);
        PerplexityResult Predicted(Func<WindowDivergence, double[]> of) =>
            PerplexityResult.Of(text, tokens, windows.Sum(w => of(w).Sum()));
        var (model, reference) = (Predicted(w => w.Model), Predicted(w => w.Reference));
        var (own, other) = (model.TokenPerplexity, reference.TokenPerplexity);
        var sorted = windows.SelectMany(w => w.Divergence).Order().ToArray();
        return new(model, reference)
        {
            // d exp(loss) = exp(loss) · d loss
            PerplexityDifference = new(own - other, MeanError(windows, tokens,
                w => (other * w.Reference.Sum()) - (own * w.Model.Sum()))),
            MeanDivergence = Mean(windows, tokens, w => w.Divergence.Sum()),
            HighDivergence = High(windows, sorted),
            MaximumDivergence = sorted[^1],
            SameTop = Mean(windows, tokens, w => w.SameTop.Count(same => same)),
            Windows = windows.Count,
        };
    }

    private static Estimate Mean(IReadOnlyList<WindowDivergence> windows, int tokens,
        Func<WindowDivergence, double> sum) =>
        new(windows.Sum(sum) / tokens, MeanError(windows, tokens, sum));

    // The standard error of a sum over tokens divided by their number, where windows are the observations.
    private static double MeanError(IReadOnlyList<WindowDivergence> windows, int tokens,
        Func<WindowDivergence, double> sum)
    {
        if (windows.Count < 2) return double.NaN;
        var sums = windows.Select(sum).ToArray();
        var mean = sums.Sum() / tokens;
        var squares = sums.Zip(windows, (s, w) => Math.Pow(s - (mean * w.Count), 2)).Sum();
        return Math.Sqrt(squares * windows.Count / (windows.Count - 1)) / tokens;
    }

    private static Estimate High(IReadOnlyList<WindowDivergence> windows, double[] sorted)
    {
        var high = sorted[((((long)sorted.Length * HighPercent) + 99) / 100) - 1];
        var (share, error) = Mean(windows, sorted.Length, w => w.Divergence.Count(d => d <= high));
        if (double.IsNaN(error)) return new(high, error);
        double At(double part) =>
            sorted[Math.Clamp((int)Math.Ceiling(part * sorted.Length) - 1, 0, sorted.Length - 1)];
        return new(high, (At(share + error) - At(share - error)) / 2);
    }
}
