using System.Globalization;
using System.Xml.Linq;
using Crosshead.Reports.Charts;
using Crosshead.Reports.Pages;
using Crosshead.Reports.Studies;
using Crosshead.Training.Studies;

namespace Crosshead.Tests.Reports.Studies;

public sealed class StudyPageTests
{
    [Fact]
    public void The_page_needs_nothing_but_itself_and_shows_every_run()
    {
        var html = StudyPage.Render(Report());
        Assert.DoesNotContain("http", html.Replace("http-equiv", "", StringComparison.Ordinal),
            StringComparison.Ordinal);
        Assert.DoesNotContain("<script", html, StringComparison.Ordinal);
        Assert.All(["Loss by learning rate", "Every variant at its chosen rate", "Curves", "Fits", "Runs",
            "How to reproduce"], heading => Assert.Contains($"<h2>{heading}</h2>", html, StringComparison.Ordinal));
        Assert.Contains("no: diverged", html, StringComparison.Ordinal);
        Assert.Contains("no fit: the run diverged", html, StringComparison.Ordinal);
        Assert.Contains("gqa at 1e-2: training broke down &lt;here&gt;", html, StringComparison.Ordinal);
        Assert.Contains("0.500 <span class=\"unit\">0.450 … 0.550</span>", html, StringComparison.Ordinal);
    }

    [Fact]
    public void The_headline_names_the_variant_with_the_lowest_loss_at_its_chosen_rate()
    {
        var verdict = StudyVerdict.Of(Report());
        Assert.Equal("At its largest stable learning rate mea has the lowest held-out loss: 2.900 nats a token at "
            + "3e-3. That is 0.100 less than gqa, the next best (3.000 at 1e-3).", verdict.Headline);
        Assert.Contains("gqa: stable up to 1e-3 (1e-2: diverged); its loss is lowest there too.", verdict.Remarks);
        Assert.Contains("mea is stable at the largest rate tried: a larger one may be better still.", verdict.Remarks);
        Assert.Contains("1 of 3 runs did not finish; the table says why.", verdict.Remarks);
    }

    [Fact]
    public void Too_few_steps_name_no_winner_but_each_variants_rate()
    {
        var report = Report() with { Steps = 12 };
        Assert.Equal("Too few steps for a comparison: each run has 12, and 300 are needed before a difference says "
            + "anything. No winner is named.", StudyVerdict.Of(report).Headline);
        Assert.Contains("gqa: stable up to 1e-3 (1e-2: diverged); its loss is lowest there too.",
            StudyVerdict.Of(report).Remarks);
        Assert.DoesNotContain("standings\">", StudyPage.Render(report), StringComparison.Ordinal);
        Assert.StartsWith("Of mea the largest stable",
            StudyVerdict.Of(report with { Variants = [report.Variants[1]] }).Headline, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_stable_rate_it_says_so()
    {
        var report = Report();
        var none = report with
        {
            Variants = [
                .. report.Variants.Select(v => v with { Rates = [.. v.Rates.Select(r => r with { Stable = false })] })],
        };
        Assert.Equal("No variant has a stable learning rate.", StudyVerdict.Of(none).Headline);
        Assert.DoesNotContain("Every variant at its chosen rate", StudyPage.Render(none), StringComparison.Ordinal);
    }

    [Fact]
    public void Runs_that_have_not_begun_keep_the_variants_from_being_compared()
    {
        var report = Report();
        var waiting = Run("mea", 1e-2, null) with { Status = RunStatus.Waiting };
        var partial = report with
        {
            Variants = [report.Variants[0], report.Variants[1] with
            {
                Runs = [.. report.Variants[1].Runs, waiting],
                Rates = [.. report.Variants[1].Rates, new(1e-2, null, null, "not finished")],
            }],
        };
        Assert.Equal("3 of 4 runs are done: the variants are compared when all are.",
            StudyVerdict.Of(partial).Headline);
        Assert.DoesNotContain("standings\">", StudyPage.Render(partial), StringComparison.Ordinal);
        Assert.Contains("<td class=\"word\">not begun</td><td class=\"word\">–</td>", StudyPage.Render(partial),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_rate_far_above_the_others_stands_at_the_edge_with_its_loss_in_the_tooltip()
    {
        var report = Report();
        var rates = report.Variants[0].Rates.ToArray();
        rates[1] = new(1e-2, 12, false, "300 % above a smaller rate");
        report = report with { Variants = [report.Variants[0] with { Rates = rates }, report.Variants[1]] };
        var svg = XElement.Parse($"<div>{new StudyCharts(report).LossByRate()}</div>").Descendants("svg").First();
        var cross = Assert.Single(svg.Descendants("path"), p => (string?)p.Attribute("class") == "cross");
        Assert.Equal("gqa: 12.000 at 1e-2, 300 % above a smaller rate", cross.Element("title")!.Value);
        Assert.All(svg.Descendants("text")
            .Where(t => (string?)t.Attribute("class") == "tick" && (string?)t.Attribute("text-anchor") == "end"),
            t => Assert.InRange(double.Parse(t.Value, CultureInfo.InvariantCulture), 2.5, 4));
    }

    [Fact]
    public void A_band_is_drawn_around_its_line_and_stays_within_the_chart()
    {
        var svg = XElement.Parse(new LineChart
        {
            Series = [new ChartSeries("a", 1, 0, [(1, 1), (2, 2)])
            {
                Band = [(1, 0.9, 1.1), (2, -50, 50)],
                Drawn = ChartPoints.Line,
            }],
            Title = "t",
            XTitle = "x",
            YTitle = "y",
        }.ToSvg());
        Assert.Empty(svg.Descendants("circle"));
        var band = svg.Descendants("path").First(p => (string?)p.Attribute("class") == "band").Attribute("d")!.Value;
        double[][] corners = [.. band.Trim('M', 'Z').Split('L')
            .Select(c => c.Split(' ').Select(n => double.Parse(n, CultureInfo.InvariantCulture)).ToArray())];
        Assert.Equal(4, corners.Length);
        Assert.Equal((14, 354), (corners[1][1], corners[2][1]));
        Assert.True(corners[0][1] < corners[3][1]);
    }

    internal static StudyReport Report() => new()
    {
        Created = new DateTimeOffset(2026, 1, 2, 3, 4, 0, TimeSpan.Zero),
        Steps = 600,
        Rule = "The largest stable rate is chosen.",
        Variants =
        [
            Variant("gqa", new(1e-3, 3, true, null), Run("gqa", 1e-3, 3), new(1e-2, null, false, "diverged"),
                Run("gqa", 1e-2, null) with
                {
                    Status = RunStatus.Diverged,
                    Reason = "training broke down <here>",
                    FitRefusal = "the run diverged",
                    Curve = [(1e5, 6), (2e5, double.NaN)],
                }),
            Variant("mea", new(3e-3, 2.9, true, null), Run("mea", 3e-3, 2.9)),
        ],
        Provenance = new ReportProvenance { Command = "crosshead sweep tiny.json" },
    };

    private static RateChoice Variant(string name, RateStanding chosen, StudyRun run, RateStanding? other = null,
        StudyRun? otherRun = null) => new()
        {
            Variant = name,
            Rates = other is null ? [chosen] : [chosen, other],
            Runs = otherRun is null ? [run] : [run, otherRun],
        };

    private static StudyRun Run(string variant, double rate, double? loss)
    {
        (double, double)[] curve = loss is null ? []
            : [.. Enumerable.Range(1, 8).Select(i => (i * 1e5, loss.Value + (1.0 / i) - 0.125))];
        return new StudyRun
        {
            Variant = variant,
            LearningRate = rate,
            Seed = 1,
            Status = RunStatus.Finished,
            Curve = curve,
            SpikesAt = [2.5e5],
            SpikeSteps = 1,
            TokensPerSecond = 1234,
            Fit = loss is null ? null : PowerLawFit.Of(curve, 0, out _)! with
            {
                Alpha = new(0.5, 0.45, 0.55),
                DataScale = new(1e5, 9e4, 1.1e5),
                Floor = new(loss.Value - 0.2, loss.Value - 0.3, loss.Value - 0.1),
                Noise = 0.01,
                Used = curve,
                Curve = [(1e5, new(loss.Value + 1, loss.Value + 0.9, loss.Value + 1.1)),
                    (8e5, new(loss.Value, loss.Value - 0.1, loss.Value + 0.1))],
            },
            FitRefusal = loss is null ? "there is no curve" : null,
        };
    }
}
