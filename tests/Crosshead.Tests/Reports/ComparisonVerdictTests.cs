using Crosshead.Reports;
using static Crosshead.Tests.Reports.Comparisons;

namespace Crosshead.Tests.Reports;

public sealed class ComparisonVerdictTests
{
    private static ComparisonVerdict Verdict(params ComparisonRun[] runs) => ComparisonVerdict.Of(Report(runs));

    [Fact]
    public void A_win_is_told_at_the_best_rate_of_each()
    {
        var verdict = Verdict(Finished("gqa", 1e-3, 3.3), Finished("gqa", 3e-3, 3.2), Finished("mea", 1e-3, 3.0), Finished("mea", 3e-3, 3.4));
        Assert.Equal(
            "MEA has the lowest held-out loss: 3.000 nats a token at its best learning rate, 1e-3. That is 0.200 nats (6.3 %) less than GQA, the next best (3.200 at 3e-3).",
            verdict.Headline);
        Assert.Contains("One seed and 400 k tokens a run prove little: with another seed, or longer training, differences of a few hundredths of a nat can turn.", verdict.Remarks);
        Assert.Contains("The learning rate mattered more than the variant: it moved MEA by 0.400 nats.", verdict.Remarks);
        Assert.Contains("MEA trained at 0.99 times the speed of GQA (990 against 1,000 tokens a second), each run in its own time: on a shared machine such a ratio moves by a quarter.", verdict.Remarks);
        Assert.Equal(verdict.Headline, verdict.ToString().Split('\n')[0]);
    }

    [Fact]
    public void A_loss_is_told_plainly() => Assert.Equal(
        "MEA did not win: 3.300 nats a token at learning rate 1e-3. That is 0.300 nats (10.0 %) more than GQA, the best (3.000 at 1e-3).",
        Verdict(Finished("gqa", 1e-3, 3.0), Finished("differential", 1e-3, 3.1), Finished("mea", 1e-3, 3.3)).Headline);

    [Fact]
    public void Losses_that_read_alike_are_level() => Assert.Equal(
        "MEA and GQA are level: 3.000 nats a token at learning rate 1e-3, and 3.000 at 1e-3.",
        Verdict(Finished("gqa", 1e-3, 3.0004), Finished("mea", 1e-3, 3.0)).Headline);

    [Fact]
    public void A_third_place_is_no_tie_though_the_first_two_are_level() => Assert.StartsWith(
        "MEA did not win:", Verdict(Finished("gqa", 1e-3, 3.0), Finished("differential", 1e-3, 3.0001), Finished("mea", 1e-3, 3.3)).Headline, StringComparison.Ordinal);

    [Fact]
    public void Interrupted_runs_are_compared_where_all_were_measured()
    {
        // After 200,000 tokens: GQA 3.0 + 2, MEA 2.5 + 2; GQA's trained model must not count against it.
        var verdict = Verdict(Finished("gqa", 1e-3, 3.0), Stopped("mea", 1e-3, 2.5, evaluations: 2));
        Assert.StartsWith("So far: MEA has the lowest held-out loss: 4.500 nats a token at learning rate 1e-3. That is 0.500 nats (10.0 %) less than GQA", verdict.Headline, StringComparison.Ordinal);
        Assert.Equal("Not every run is complete: the variants are compared after 200 k tokens, the furthest that all of them were measured at.", verdict.Remarks[0]);
    }

    [Fact]
    public void A_run_that_did_not_reach_the_place_of_comparison_is_passed_over()
    {
        var verdict = Verdict(Stopped("gqa", 1e-3, 3.0, 3), Stopped("gqa", 3e-3, 1.0, 1), Stopped("mea", 1e-3, 2.5, 2));
        Assert.Contains("GQA, the next best (5.000 at 1e-3)", verdict.Headline, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unmeasured_subject_gets_no_verdict() => Assert.Equal(
        "There is no word on MEA yet: it was not measured. Only GQA was measured: 3.000 nats a token at learning rate 1e-3, and there is nothing to compare it with.",
        Verdict(Finished("gqa", 1e-3, 3.0), Finished("mea", 1e-3, 0) with { Points = [], FinalHeldOutLoss = null, Status = RunStatus.Waiting }).Headline);

    [Fact]
    public void A_subject_that_diverged_did_not_win()
    {
        var verdict = Verdict(Finished("gqa", 1e-3, 3.0), Finished("differential", 1e-3, 3.2), Diverged("mea", 6e-3));
        Assert.StartsWith("MEA did not win: none of its runs came to a result. GQA has the lowest held-out loss", verdict.Headline, StringComparison.Ordinal);
        Assert.Contains("MEA diverged at learning rate 6e-3.", verdict.Remarks);
    }

    [Fact]
    public void Seeds_are_counted() => Assert.Contains(
        Verdict(Finished("gqa", 1e-3, 3.0), Finished("gqa", 1e-3, 3.1) with { Seed = 2 }, Finished("mea", 1e-3, 3.3)).Remarks,
        remark => remark.StartsWith("2 seeds and 400 k tokens", StringComparison.Ordinal));

    [Fact]
    public void Nothing_measured_is_said_so()
    {
        Assert.Equal("There is nothing to compare yet: no run got as far as a held-out loss.", Verdict().Headline);
        Assert.Equal("There is nothing to compare yet: no run got as far as a held-out loss.", Verdict(Diverged("gqa", 1e-3)).Headline);
    }
}
