namespace Crosshead.Evaluation.Results;

/// <summary>A measure over the samples of a task.</summary>
/// <param name="Name">As lm-evaluation-harness calls it: <c>acc</c>, <c>acc_norm</c>, <c>exact_match</c>,
/// <c>word_perplexity</c>, <c>bits_per_byte</c> …</param>
/// <param name="PerSample">One value per sample, in the order of the task's samples; for perplexities its loss in
/// nats.</param>
public sealed record Metric(string Name, IReadOnlyList<double> PerSample)
{
    private const string Perplexity = "perplexity", BitsPerByte = "bits_per_byte";

    /// <summary>The size of each sample: words, bytes, tokens; null if each counts once.</summary>
    public IReadOnlyList<double>? Sizes { get; init; }

    /// <summary>Whether less is better, and the value is not a share.</summary>
    public bool LowerIsBetter => IsPerplexity || Name == BitsPerByte;

    /// <summary>Samples that count fully.</summary>
    public int Count => PerSample.Count(v => v == 1);

    /// <summary>
    /// The mean over samples, or over their words, bytes or tokens; for perplexities exp of the mean.
    /// </summary>
    public double Value => IsPerplexity ? Math.Exp(Mean) : Mean;

    /// <summary>
    /// Standard error of <see cref="Value"/>: s/√n with n − 1 (of a ratio, where samples have sizes), carried through
    /// exp for perplexities; NaN for one sample.
    /// </summary>
    public double StandardError => (IsPerplexity ? Value : 1) * ErrorOfMean(Residuals());

    private bool IsPerplexity => Name.EndsWith(Perplexity, StringComparison.Ordinal);

    private double Mean => PerSample.Sum() / Size;

    private double Size => Sizes?.Sum() ?? PerSample.Count;

    /// <summary>
    /// The difference to a baseline on the same samples: the difference of the means, and its standard error. The error
    /// comes from the differences sample by sample, so it is smaller than for two independent measurements. For
    /// perplexities both are
    /// of the mean loss, in nats.
    /// </summary>
    /// <exception cref="ArgumentException">The numbers of samples differ.</exception>
    public (double Difference, double StandardError) Against(Metric baseline)
    {
        if (PerSample.Count != baseline.PerSample.Count)
            throw new ArgumentException("the metrics are of different samples.", nameof(baseline));
        return (Mean - baseline.Mean, ErrorOfMean([.. Residuals().Zip(baseline.Residuals(), (a, b) => a - b)]));
    }

    // The excess of each sample over the mean, as a share of the mean size, so that models with different tokens are
    // comparable.
    private double[] Residuals()
    {
        var (mean, size) = (Mean, Size / PerSample.Count);
        return [.. PerSample.Select((v, i) => (v - (mean * (Sizes?[i] ?? 1))) / size)];
    }

    // Residuals sum to zero.
    private static double ErrorOfMean(IReadOnlyCollection<double> residuals) =>
        residuals.Count < 2 ? double.NaN
        : Math.Sqrt(residuals.Sum(r => r * r) / (residuals.Count - 1) / residuals.Count);
}
