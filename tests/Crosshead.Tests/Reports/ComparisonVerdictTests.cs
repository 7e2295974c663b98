using Crosshead.Reports;
using Crosshead.Training.Studies;
using static Crosshead.Tests.Reports.Comparisons;

namespace Crosshead.Tests.Reports;

public sealed class ComparisonVerdictTests
{
    private static ComparisonVerdict Verdict(params ComparisonRun[] runs) => ComparisonVerdict.Of(Report(runs));

    [Fact]
    public void A_win_is_told_at_the_best_rate_of_each()
    {
        var verdict = Verdict(Finished("gqa", 1e-3, 3.3), Finished("gqa", 3e-3, 3.2), Finished("mea", 1e-3, 3.0),
            Finished("mea", 3e-3, 3.4));
        Assert.Equal(
            "MEA has the lowest held-out loss: 3.000 nats a token at its best learning rate, 1e-3. That is 0.200 nats "
                + "(6.3 %) less than GQA, the next best (3.200 at 3e-3).",
            verdict.Headline);
        Assert.Contains("One seed and 400 k tokens a run prove little: with another seed, or longer training, "
            + "differences of a few hundredths of a nat can turn.", verdict.Remarks);
        Assert.Contains("The learning rate mattered more than the variant: it moved MEA by 0.400 nats.",
            verdict.Remarks);
        Assert.Contains("MEA trained at 0.99 times the speed of GQA (990 against 1,000 tokens a second), each run in "
            + "its own time: on a shared machine such a ratio moves by a quarter.", verdict.Remarks);
        Assert.Equal(verdict.Headline, verdict.ToString().Split('\n')[0]);
    }

    [Fact]
    public void A_loss_is_told_plainly() => Assert.Equal(
        "MEA did not win: 3.300 nats a token at learning rate 1e-3. That is 0.300 nats (10.0 %) more than GQA, the "
            + "best (3.000 at 1e-3).",
        Verdict(Finished("gqa", 1e-3, 3.0), Finished("differential", 1e-3, 3.1), Finished("mea", 1e-3, 3.3)).Headline);

    [Fact]
    public void Losses_that_read_alike_are_level() => Assert.Equal(
        "MEA and GQA are level: 3.000 nats a token at learning rate 1e-3, and 3.000 at 1e-3.",
        Verdict(Finished("gqa", 1e-3, 3.0004), Finished("mea", 1e-3, 3.0)).Headline);

    [Fact]
    public void A_third_place_is_no_tie_though_the_first_two_are_level() => Assert.StartsWith(
        "MEA did not win:", Verdict(Finished("gqa", 1e-3, 3.0), Finished("differential", 1e-3, 3.0001),
            Finished("mea", 1e-3, 3.3)).Headline, StringComparison.Ordinal);

    [Fact]
    public void Interrupted_runs_are_compared_where_all_were_measured()
    {
        // After 200,000 tokens: GQA 3.0 + 2, MEA 2.5 + 2; GQA's trained model must not count against it.
        var verdict = Verdict(Finished("gqa", 1e-3, 3.0), Stopped("mea", 1e-3, 2.5, evaluations: 2));
        Assert.StartsWith("So far: MEA has the lowest held-out loss: 4.500 nats a token at learning rate 1e-3. That is "
            + "0.500 nats (10.0 %) less than GQA", verdict.Headline, StringComparison.Ordinal);
        Assert.Equal("Not every run is complete: all are compared after 200 k tokens (2,000 steps), the furthest that "
            + "every one of them came.", verdict.Remarks[0]);
    }

    [Fact]
    public void Every_run_counts_where_all_of_them_were_measured()
    {
        // The best run of MEA stopped first; at the last place where the others are level with it, it is ahead.
        ComparisonRun[] runs =
        [
            Measured("gqa", 2e-3, 800, (500_000, 6.9), (800_000, 6.623)), Measured("differential", 2e-3, 800,
                (500_000, 7.0), (800_000, 6.692)), Measured("mea", 2e-3, 800, (500_000, 6.8), (800_000, 6.572)),
            Measured("gqa", 8e-3, 800, (500_000, 6.344), (800_000, 6.3)), Measured("differential", 8e-3, 800,
                (500_000, 6.392), (800_000, 6.262)), Measured("mea", 8e-3, 800, (500_000, 6.324)),
        ];
        var verdict = Verdict(runs);
        Assert.Equal("So far: MEA has the lowest held-out loss: 6.324 nats a token at its best learning rate, 8e-3. "
            + "That is 0.020 nats (0.3 %) less than GQA, the next best (6.344 at 8e-3).", verdict.Headline);
        Assert.Contains("1 of 6 runs stopped early.", verdict.Remarks);
        Assert.Equal([6.324, 6.344, 6.392, 6.8, 6.9, 7.0],
            new ComparisonStandings(Report(runs)).Ordered.Select(r => r.HeldOutLossAt(500_000)!.Value));
    }

    [Fact]
    public void A_rate_that_not_every_variant_came_far_with_is_left_out_for_all()
    {
        var verdict = Verdict(
            Measured("gqa", 8e-3, 800, (400_000, 5.0), (800_000, 4.0)),
            Measured("mea", 8e-3, 800, (400_000, 5.5), (800_000, 4.5)),
            Measured("gqa", 2e-3, 800, (400_000, 5.2), (800_000, 3.0)), Measured("mea", 2e-3, 800, (100_000, 6.0)));
        Assert.Equal("So far: MEA did not win: 4.500 nats a token at learning rate 8e-3. That is 0.500 nats (12.5 %) "
            + "more than GQA, the best (4.000 at 8e-3).", verdict.Headline);
        Assert.Contains("Learning rate 2e-3 is left out: not every variant came as far with it.", verdict.Remarks);
    }

    [Fact]
    public void Too_few_steps_name_no_winner_and_no_ranking()
    {
        var report = Report(Measured("gqa", 1e-3, 299, (299_000, 6.0)), Measured("mea", 1e-3, 299, (299_000, 5.0))) with
        {
            Notes = ["Give it more time."],
        };
        var verdict = ComparisonVerdict.Of(report);
        Assert.Equal("Too few steps for a comparison: 299 in each run, and 300 are needed before a difference says "
            + "anything. No winner is named.", verdict.Headline);
        Assert.Equal("Give it more time.", Assert.Single(verdict.Remarks));
        var standings = new ComparisonStandings(report);
        Assert.Empty(standings.Best);
        Assert.Equal(report.Runs, standings.Ordered);
        var html = ComparisonPage.Render(report);
        Assert.DoesNotContain("standings\">", html, StringComparison.Ordinal);
        Assert.DoesNotContain("enlarged", html, StringComparison.Ordinal);
        Assert.Contains("The runs stand as they were run: they took too few steps for their losses to compare.", html,
            StringComparison.Ordinal);
        Assert.True(
            html.IndexOf("GQA</th>", StringComparison.Ordinal) < html.IndexOf("MEA</th>", StringComparison.Ordinal));
    }

    [Fact]
    public void With_the_last_step_needed_a_winner_is_named() => Assert.StartsWith(
        "MEA has the lowest held-out loss", Verdict(Measured("gqa", 1e-3, 300, (300_000, 6.0)),
            Measured("mea", 1e-3, 300, (300_000, 5.0))).Headline, StringComparison.Ordinal);

    [Fact]
    public void Variants_without_a_common_rate_are_compared_at_what_they_have() => Assert.StartsWith(
        "So far: MEA has the lowest held-out loss: 4.500 nats a token at learning rate 3e-3", Verdict(
            Finished("gqa", 1e-3, 3.0), Stopped("mea", 3e-3, 1.5, evaluations: 1)).Headline, StringComparison.Ordinal);

    [Fact]
    public void An_unmeasured_subject_gets_no_verdict() => Assert.Equal(
        "There is no word on MEA yet: it was not measured. Only GQA was measured: 3.000 nats a token at learning rate "
            + "1e-3, and there is nothing to compare it with.",
        Verdict(Finished("gqa", 1e-3, 3.0),
            Finished("mea", 1e-3, 0) with { Points = [], FinalHeldOutLoss = null, Status = RunStatus.Waiting })
            .Headline);

    [Fact]
    public void A_subject_that_diverged_did_not_win()
    {
        var verdict = Verdict(Finished("gqa", 1e-3, 3.0), Finished("differential", 1e-3, 3.2), Diverged("mea", 6e-3));
        Assert.StartsWith("MEA did not win: none of its runs came to a result. GQA has the lowest held-out loss",
            verdict.Headline, StringComparison.Ordinal);
        Assert.Contains("MEA diverged at learning rate 6e-3.", verdict.Remarks);
    }

    [Fact]
    public void Seeds_are_counted() => Assert.Contains(
        Verdict(Finished("gqa", 1e-3, 3.0), Finished("gqa", 1e-3, 3.1) with { Seed = 2 },
            Finished("mea", 1e-3, 3.3)).Remarks,
        remark => remark.StartsWith("2 seeds and 400 k tokens", StringComparison.Ordinal));

    [Fact]
    public void Nothing_measured_is_said_so()
    {
        Assert.Equal("There is nothing to compare yet: no run got as far as a held-out loss.", Verdict().Headline);
        Assert.Equal("There is nothing to compare yet: no run got as far as a held-out loss.",
            Verdict(Diverged("gqa", 1e-3)).Headline);
    }
}
