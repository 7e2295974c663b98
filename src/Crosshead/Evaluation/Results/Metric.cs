namespace Crosshead.Evaluation.Results;

/// <summary>A measure over the samples of a task.</summary>
/// <param name="Name">As lm-evaluation-harness calls it: <c>acc</c>, <c>acc_norm</c>, <c>exact_match</c>, <c>perplexity</c> …</param>
/// <param name="PerSample">A value a sample, in the order of the task's samples; for <c>perplexity</c> its loss in nats.</param>
public sealed record Metric(string Name, IReadOnlyList<double> PerSample)
{
    /// <summary>The measure of how surprising a continuation is, exp of the mean loss.</summary>
    public const string Perplexity = "perplexity";

    /// <summary>Whether less is better.</summary>
    public bool LowerIsBetter => Name == Perplexity;

    /// <summary>Samples that count fully.</summary>
    public int Count => PerSample.Count(v => v == 1);

    /// <summary>The mean, or for perplexity exp of it.</summary>
    public double Value => LowerIsBetter ? Math.Exp(Mean(PerSample)) : Mean(PerSample);

    /// <summary>Standard error of <see cref="Value"/>: s/√n with n − 1, carried through exp for perplexity; NaN for one sample.</summary>
    public double StandardError => (LowerIsBetter ? Value : 1) * ErrorOfMean(PerSample);

    /// <summary>
    /// How far this is from a baseline on the same samples: the difference of the values, and its standard error from the
    /// differences sample by sample, which is smaller than that of two independent measurements. For perplexity both are
    /// of the mean loss, in nats.
    /// </summary>
    /// <exception cref="ArgumentException">The samples are not as many.</exception>
    public (double Difference, double StandardError) Against(Metric baseline)
    {
        if (PerSample.Count != baseline.PerSample.Count) throw new ArgumentException("the metrics are of different samples.", nameof(baseline));
        var differences = PerSample.Zip(baseline.PerSample, (a, b) => a - b).ToArray();
        return (Mean(differences), ErrorOfMean(differences));
    }

    private static double Mean(IReadOnlyCollection<double> values) => values.Sum() / values.Count;

    private static double ErrorOfMean(IReadOnlyCollection<double> values)
    {
        if (values.Count < 2) return double.NaN;
        var mean = Mean(values);
        return Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Count - 1) / values.Count);
    }
}
