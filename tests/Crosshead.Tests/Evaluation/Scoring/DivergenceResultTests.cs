using Crosshead.Evaluation.Scoring;

namespace Crosshead.Tests.Evaluation.Scoring;

/// <summary>Numbers computed by hand.</summary>
public sealed class DivergenceResultTests
{
    [Fact]
    public void Windows_are_the_observations_of_the_standard_errors()
    {
        var result = DivergenceResult.Of("three words here", [
            new([-1, -2], [-1, -1], [0.1, 0.5], [true, false]),
            new([-3], [-1], [0], [true])]);
        var e = Math.E;
        Assert.Equal((3, 16, 3), (result.Model.Tokens, result.Model.Bytes, result.Reference.Words));
        Assert.Equal(e * e, result.Model.TokenPerplexity, 12);
        Assert.Equal(e, result.Reference.TokenPerplexity, 12);
        // A window's part of the difference, less its share of all: e·(−2) + e²·3 − 2·(2e² − e) = −e², and e².
        Assert.Equal((e * e) - e, result.PerplexityDifference.Value, 12);
        Assert.Equal(2 * e * e / 3, result.PerplexityDifference.StandardError, 12);
        // 0.6 − 2 · 0.2 and 0 − 0.2; √(0.08 · 2 / 1) / 3
        Assert.Equal(0.2, result.MeanDivergence.Value, 12);
        Assert.Equal(0.4 / 3, result.MeanDivergence.StandardError, 12);
        // 1 − 4/3 and 1 − 2/3; √(2/9 · 2) / 3
        Assert.Equal(2 / 3.0, result.SameTop.Value, 12);
        Assert.Equal(2 / 9.0, result.SameTop.StandardError, 12);
        Assert.Equal((0.5, 0.5, 0), (result.MaximumDivergence, result.HighDivergence.Value,
            result.HighDivergence.StandardError));
        Assert.Equal(2, result.Windows);
    }

    [Fact]
    public void Ninety_nine_of_a_hundred_tokens_are_at_or_below_the_high_divergence()
    {
        WindowDivergence Of(int first) => new(new double[100], new double[100],
            [.. Enumerable.Range(first, 100).Select(i => (double)i)], new bool[100]);
        // 198 of 200 are at most 198: a share of 0.99 ± 0.01, for (100 − 99)² + (98 − 99)² = 2 and √(2 · 2) / 200.
        var result = DivergenceResult.Of("x", [Of(1), Of(101)]);
        Assert.Equal(198, result.HighDivergence.Value);
        Assert.Equal((200 - 196) / 2.0, result.HighDivergence.StandardError);
        Assert.Equal(200, result.MaximumDivergence);
        Assert.Equal(99, DivergenceResult.Of("x", [Of(1)]).HighDivergence.Value);
    }

    [Fact]
    public void One_window_has_no_standard_error()
    {
        var result = DivergenceResult.Of("x", [new([-1], [-1], [0], [true])]);
        Assert.All([result.MeanDivergence, result.HighDivergence, result.SameTop, result.PerplexityDifference],
            estimate => Assert.True(double.IsNaN(estimate.StandardError)));
    }
}
