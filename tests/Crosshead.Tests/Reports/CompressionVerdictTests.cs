using Crosshead.Reports;
using static Crosshead.Tests.Reports.Comparisons;

namespace Crosshead.Tests.Reports;

public sealed class CompressionVerdictTests
{
    [Fact]
    public void One_sentence_tells_what_every_model_lost()
    {
        var verdict = CompressionVerdict.Of([Compressed("mea", 3.0, 3.4, 3.1, 3.012), Compressed("gqa", 2.9, 3.2, 3.0, 2.9)]);
        Assert.Equal("With half its key/value cache MEA loses 0.012 nats a token (0.4 %) after 60 s of recovery; GQA loses nothing after 60 s of recovery (2.900).", verdict.Headline);
        Assert.Equal(
            [
                "Before any recovery the loss of MEA changes by +0.100 nats with the bytes spent where a profile says they matter, by +0.400 with the paper's method, the same half in every layer.",
                "Before any recovery the loss of GQA changes by +0.100 nats with the bytes spent where a profile says they matter, by +0.300 with the paper's method, the same half in every layer.",
            ],
            verdict.Remarks);
    }

    [Fact]
    public void A_gain_is_not_credited_to_the_smaller_cache() => Assert.Equal(
        "With half its key/value cache MEA is 0.100 nats a token better after 60 s of recovery, which was training too.",
        CompressionVerdict.Of([Compressed("mea", 3.0, 3.4, 3.1, 2.9)]).Headline);

    [Fact]
    public void What_got_worse_is_told()
    {
        var verdict = CompressionVerdict.Of([Compressed("mea", 3.0, 3.1, 3.4, 3.5)]);
        Assert.Contains("MEA loses 0.500 nats a token (16.7 %) after", verdict.Headline, StringComparison.Ordinal);
        Assert.EndsWith("by +0.100 with the paper's method, the same half in every layer: here the profile did not help.", verdict.Remarks[0], StringComparison.Ordinal);
        Assert.Equal("Recovery made MEA worse, from 3.400 to 3.500.", verdict.Remarks[1]);
        Assert.Single(CompressionVerdict.Of([Compressed("mea", 3.0, 3.1, 3.4, 3.4004)]).Remarks); // shown alike
        Assert.Equal("With half its key/value cache MEA breaks down after 60 s of recovery.", CompressionVerdict.Of([Compressed("mea", 3.0, 3.1, 3.4, double.NaN)]).Headline);
    }

    [Fact]
    public void A_change_that_rounds_to_nought_has_no_sign() => Assert.StartsWith(
        "Before any recovery the loss of MEA changes by 0.000 nats", CompressionVerdict.Of([Compressed("mea", 3.0, 3.1, 2.9997, 3.0)]).Remarks[0], StringComparison.Ordinal);

    [Fact]
    public void What_is_missing_is_told_with_its_reason()
    {
        var stopped = Compressed("mea", 3.0, 3.4, 3.1, null) with { Missing = "It was interrupted here." };
        var verdict = CompressionVerdict.Of([stopped]);
        Assert.Equal("With half its key/value cache MEA loses 0.100 nats a token (3.3 %) without recovery.", verdict.Headline);
        Assert.Equal("MEA: It was interrupted here.", verdict.Remarks[^1]);
        Assert.StartsWith("There is nothing to tell", CompressionVerdict.Of([Compressed("mea", 3.0, 3.4, null, null)]).Headline, StringComparison.Ordinal);
    }
}
