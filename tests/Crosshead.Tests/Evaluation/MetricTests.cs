using Crosshead.Evaluation.Results;

namespace Crosshead.Tests.Evaluation;

public sealed class MetricTests
{
    [Fact]
    public void A_share_has_the_standard_error_of_a_mean()
    {
        var metric = new Metric("acc", [1, 0, 0, 1, 1]);
        Assert.Equal((3, 0.6), (metric.Count, metric.Value));
        Assert.Equal(Math.Sqrt(0.6 * 0.4 / 4), metric.StandardError, 12); // s² = n·p·(1 − p)/(n − 1)
        Assert.True(double.IsNaN(new Metric("acc", [1]).StandardError));
    }

    [Fact]
    public void A_perplexity_is_exp_of_the_mean_loss()
    {
        var metric = new Metric("perplexity", [1, 2, 3]);
        Assert.Equal(Math.Exp(2), metric.Value, 12);
        Assert.Equal(Math.Exp(2) / Math.Sqrt(3), metric.StandardError, 12);
        Assert.True(metric.LowerIsBetter);
    }

    [Fact]
    public void Differences_are_taken_sample_by_sample()
    {
        Metric first = new("acc", [1, 0, 0, 1, 1, 0]), second = new("acc", [1, 0, 1, 1, 1, 0]);
        var (difference, error) = second.Against(first);
        Assert.Equal(1.0 / 6, difference, 12);
        Assert.Equal(Math.Sqrt(((25.0 / 36) + (5.0 / 36)) / 5 / 6), error, 12); // one sample changed in six
        Assert.Equal((0, 0), first.Against(first));
        Assert.Throws<ArgumentException>(() => first.Against(new Metric("acc", [1])));
    }

    [Fact]
    public void Losses_of_texts_are_of_their_words_or_bytes()
    {
        var metric = new Metric("word_perplexity", [10, 30, 20]) { Sizes = [5, 10, 15] };
        Assert.Equal(Math.Exp(2), metric.Value, 12);
        // The error of a ratio: residuals 10 − 2·5, 30 − 2·10, 20 − 2·15 over the mean size 10.
        Assert.Equal(Math.Exp(2) * Math.Sqrt((0 + 1 + 1) / 2.0 / 3), metric.StandardError, 12);
        Assert.Equal(2, new Metric("bits_per_byte", [10, 30, 20]) { Sizes = [5, 10, 15] }.Value, 12);
    }
}
