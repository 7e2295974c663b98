using Crosshead.Reports;
using static Crosshead.Tests.Reports.Comparisons;

namespace Crosshead.Tests.Reports;

public sealed class CompressionVerdictTests
{
    [Fact]
    public void One_sentence_tells_what_every_model_lost()
    {
        var verdict = CompressionVerdict.Of(
            [Compressed("mea", 3.0, 3.4, 3.1, 3.012), Compressed("gqa", 2.9, 3.2, 3.0, 2.9)]);
        Assert.Equal("With half its key/value cache MEA loses 0.012 nats a token (0.4 %) after 60 s of recovery; GQA "
            + "loses nothing after 60 s of recovery (2.900).", verdict.Headline);
        Assert.Equal(
            [
                "As trained, MEA has a loss of 3.000. With half the cache and no recovery it has 3.100 where a profile "
                    + "chooses what to keep, and 3.400 by the paper's method, which keeps the same half "
                    + "in every layer.",
                "As trained, GQA has a loss of 2.900. With half the cache and no recovery it has 3.000 where a profile "
                    + "chooses what to keep, and 3.200 by the paper's method, which keeps the same half "
                    + "in every layer.",
            ],
            verdict.Remarks);
    }

    [Fact]
    public void A_gain_is_not_credited_to_the_smaller_cache() => Assert.Equal(
        "With half its key/value cache MEA is 0.100 nats a token better after 60 s of recovery, which "
            + "was training too.",
        CompressionVerdict.Of([Compressed("mea", 3.0, 3.4, 3.1, 2.9)]).Headline);

    [Fact]
    public void What_got_worse_is_told()
    {
        var verdict = CompressionVerdict.Of([Compressed("mea", 3.0, 3.1, 3.4, 3.5)]);
        Assert.Equal("With half its key/value cache MEA loses 0.500 nats a token (16.7 %), as 60 s of recovery made it "
            + "worse, from 3.400 to 3.500.", verdict.Headline);
        Assert.EndsWith("3.400 where a profile chooses what to keep, and 3.100 by the paper's method, which keeps the "
            + "same half in every layer. Here the profile did not help.", Assert.Single(verdict.Remarks),
            StringComparison.Ordinal);
        // shown alike
        Assert.Contains("(16.7 %) after 60 s of recovery",
            CompressionVerdict.Of([Compressed("mea", 3.0, 3.1, 3.4998, 3.5)]).Headline, StringComparison.Ordinal);
        Assert.Equal("With half its key/value cache MEA breaks down after 60 s of recovery.",
            CompressionVerdict.Of([Compressed("mea", 3.0, 3.1, 3.4, double.NaN)]).Headline);
    }

    [Fact]
    public void What_is_missing_is_told_with_its_reason()
    {
        var stopped = Compressed("mea", 3.0, 3.4, 3.1, null) with { Missing = "It was interrupted here." };
        var verdict = CompressionVerdict.Of([stopped]);
        Assert.Equal("With half its key/value cache MEA loses 0.100 nats a token (3.3 %) without recovery.",
            verdict.Headline);
        Assert.Equal("MEA: It was interrupted here.", verdict.Remarks[^1]);
        Assert.StartsWith("There is nothing to tell",
            CompressionVerdict.Of([Compressed("mea", 3.0, 3.4, null, null)]).Headline, StringComparison.Ordinal);
    }
}
