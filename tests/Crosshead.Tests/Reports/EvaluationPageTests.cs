using Crosshead.Evaluation.Results;
using Crosshead.Reports;

namespace Crosshead.Tests.Reports;

public sealed class EvaluationPageTests
{
    private static ComparedScore First(double value, double error = 1) => new(value, error, null, double.NaN);

    private static ComparedScore Other(double value, double difference, double differenceError, double error = 1) =>
        new(value, error, difference, differenceError);

    internal static EvaluationReport Two() => Report(Compared());

    private static EvaluationReport Report(Comparison comparison) =>
        new(comparison, new DateTimeOffset(2026, 1, 2, 3, 4, 0, TimeSpan.Zero),
            new() { Command = "crosshead eval original half --tasks arc_easy" });

    private static Comparison Compared() => new()
    {
        Models = ["original", "half"],
        Groups =
        [
            new("science", [new("arc_easy", "acc", 2376, [First(59.5), Other(57.5, -2, 0.5)]),
                new("openbookqa", "acc", 500, [First(21), Other(21.2, 0.2, 1)])],
                new("mean", "acc", 2, [First(40.25), Other(39.35, -0.9, 0.56)])),
            new("language",
                [new("lambada", "perplexity", 5153, [First(12.34), Other(13, 0.052, 0.01)]) { LowerIsBetter = true }],
                null),
        ],
        Mean = new("mean", "acc", 2, [First(40.25), Other(39.35, -0.9, 0.56)]),
        Remarks = ["arc_easy: 3 contexts were cut."],
    };

    [Fact]
    public void The_headline_says_what_the_numbers_mean()
    {
        Assert.Equal("original scores 40.25 % on average over 2 tasks; half 39.35 %, 0.90 points less (1.6 standard "
            + "errors).", EvaluationVerdict.Headline(Compared()));
        Assert.Equal(
            ["half is clearly worse than original in 1 of 2 tasks (most in arc_easy, −2.00 (−4.0 σ)), and clearly "
                + "better in 0.", "arc_easy: 3 contexts were cut."],
            EvaluationVerdict.Remarks(Compared()));
        var one = Compared() with { Models = ["original"] };
        Assert.Equal("original scores 40.25 % on average over 2 tasks.", EvaluationVerdict.Headline(one));
    }

    [Fact]
    public void Small_differences_are_not_called_differences()
    {
        var row = new ComparedTask("piqa", "acc", 100, [First(50), Other(51, 1, 2)]);
        var comparison = Compared() with { Groups = [new("commonsense", [row], null)], Mean = null };
        Assert.Contains("cannot tell them apart", EvaluationVerdict.Remarks(comparison).First(),
            StringComparison.Ordinal);
        Assert.Equal("original scores 50.00 % on piqa; half 51.00 %, 1.00 points more (0.5 standard errors).",
            EvaluationVerdict.Headline(comparison));
    }

    [Fact]
    public void The_table_and_the_plot_hold_every_task()
    {
        var html = EvaluationPage.Render(Two());
        string[] parts =
        [
            "<title>half beside original</title>", "<p class=\"headline\">original scores",
            "<th colspan=\"5\">science</th>", "<th>arc_easy</th>", "<span class=\"difference\">−2.00 (−4.0 σ)</span>",
            "<tr class=\"mean\">", "<th colspan=\"5\">language</th>", "<th>lambada</th>", "12.340",
            "&#x2B;0.052 (&#x2B;5.2 σ)", "<svg class=\"chart\"",
            "half, arc_easy: 57.50 &#xB1; 1.96", "crosshead eval original half",
        ];
        var places = parts.Select(p => html.IndexOf(p, StringComparison.Ordinal)).ToArray();
        Assert.DoesNotContain(-1, places);
        Assert.Equal(places.Order(), places);
        // two tasks in percent and their mean, two models each, for wide and for narrow screens
        Assert.Equal(2 * 6, html.Split("<g class=\"dot ").Length - 1);
    }

    [Fact]
    public void Values_that_are_not_finite_have_no_dot()
    {
        var row = new ComparedTask("piqa", "acc", 1,
            [First(double.NaN, double.NaN), Other(50, double.NaN, double.NaN)]);
        var html = EvaluationPage.Render(
            Report(Compared() with { Groups = [new("commonsense", [row], null)], Mean = null }));
        Assert.Contains("not finite", html, StringComparison.Ordinal);
        Assert.Equal(2, html.Split("<g class=\"dot ").Length - 1); // for wide and for narrow screens
    }
}
