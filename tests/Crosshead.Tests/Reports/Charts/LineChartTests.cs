using System.Globalization;
using System.Xml.Linq;
using Crosshead.Reports;
using Crosshead.Reports.Charts;
using Crosshead.Reports.Pages;
using CsCheck;

namespace Crosshead.Tests.Reports.Charts;

public sealed class LineChartTests
{
    private static readonly XNamespace None = "";

    private static XElement Draw(bool logX, params ChartSeries[] series) => XElement.Parse(
        new LineChart { Series = series, Title = "t", XTitle = "x", YTitle = "y", LogX = logX }.ToSvg());

    private static ChartSeries Line(string label, params (double, double)[] points) => new(label, 1, 0, points);

    [Fact]
    public void A_line_runs_through_its_points_from_edge_to_edge()
    {
        var svg = Draw(false, Line("a", (0, 1), (50, 2), (100, 3)));
        var circles = svg.Descendants(None + "circle").Select(c => (X: Number(c, "cx"), Y: Number(c, "cy"))).ToArray();
        Assert.Equal(58, circles[0].X);
        Assert.Equal((circles[0].X + circles[2].X) / 2, circles[1].X, 1);
        Assert.Equal((circles[0].Y + circles[2].Y) / 2, circles[1].Y, 1);
        Assert.True(circles[0].Y > circles[2].Y); // larger values stand higher
        Assert.Equal("a: 2.000 at 50", svg.Descendants(None + "title").ElementAt(1).Value);
    }

    [Fact]
    public void A_logarithmic_axis_gives_equal_room_to_equal_ratios_and_leaves_nought_out()
    {
        var svg = Draw(true, Line("a", (0, 9), (1000, 1), (10_000, 2), (100_000, 3)));
        var x = svg.Descendants(None + "circle").Select(c => Number(c, "cx")).ToArray();
        Assert.Equal(3, x.Length);
        Assert.Equal(x[1] - x[0], x[2] - x[1], 0.11);
    }

    [Fact]
    public void Values_that_are_not_finite_break_the_line()
    {
        var svg = Draw(false, Line("a", (0, 1), (1, double.NaN), (2, 1.5), (3, double.PositiveInfinity), (4, 2)));
        var path = svg.Descendants(None + "path").Single().Attribute("d")!.Value;
        Assert.Equal(3, path.Count(c => c == 'M'));
        Assert.DoesNotContain("NaN", svg.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_finite_point_there_is_no_chart() => Assert.Equal(
        "", new LineChart { Series = [Line("a", (1, double.NaN)), Line("b")], Title = "t", XTitle = "x", YTitle = "y" }
            .ToSvg());

    [Fact]
    public void A_single_point_is_drawn() => Assert.Single(Draw(true, Line("a", (5, 5))).Descendants(None + "circle"));

    [Fact]
    public void Labels_never_cover_each_other() =>
        Gen.Double[1, 9].Array[1, 12].Sample(ends =>
        {
            var svg = Draw(false, [.. ends.Select((y, i) => Line($"run {i}", (0, 5), (1, y)))]);
            var places = svg.Descendants(None + "g")
                .Where(g => g.Attribute("class")!.Value.StartsWith("label", StringComparison.Ordinal))
                .Select(g => Number(g.Element(None + "text")!, "y")).Order().ToArray();
            Assert.Equal(ends.Length, places.Length);
            Assert.All(places.Zip(places.Skip(1)), p => Assert.True(p.Second - p.First > 16.8));
            Assert.InRange(places[^1], 0, 400);
        }, seed: "0000KxY1sF90", iter: 200);

    [Fact]
    public void A_line_that_ends_early_has_a_piece_of_itself_at_its_label_and_no_thin_line_across_the_chart()
    {
        var svg = Draw(false, Line("whole", (0, 5), (100, 1)), Line("nearly whole", (0, 5), (95, 2)),
            Line("short", (0, 5), (20, 4)));
        var leaders = svg.Descendants(None + "g")
            .Where(g => g.Attribute("class")!.Value.StartsWith("label", StringComparison.Ordinal))
            .ToDictionary(g => g.Element(None + "text")!.Value, g => g.Element(None + "line"));
        Assert.NotNull(leaders["whole"]);
        Assert.InRange(Number(leaders["nearly whole"]!, "x2") - Number(leaders["nearly whole"]!, "x1"), 0, 130);
        Assert.Null(leaders["short"]);
        Assert.Equal(4, svg.Descendants(None + "path").Count()); // three lines, one key
    }

    [Theory]
    [InlineData(3.0, 3.35, false, new[] { 3.0, 3.1, 3.2, 3.3 })]
    [InlineData(0, 10, false, new[] { 0.0, 2, 4, 6, 8, 10 })]
    [InlineData(900, 60_000, true, new[] { 1000.0, 2000, 5000, 10_000, 20_000, 50_000 })]
    [InlineData(310, 460, true, new[] { 350.0, 400, 450 })]
    public void Ticks_are_round(double low, double high, bool log, double[] expected) =>
        Assert.Equal(expected, new ChartAxis(low, high, 0, 1, log).Ticks,
            (a, b) => Math.Abs(a - b) < 1e-9 * Math.Abs(a) + 1e-12);

    [Fact]
    public void Ticks_lie_on_any_axis_few_and_rising() =>
        Gen.Select(Gen.Double[1e-3, 1e6], Gen.Double[1e-6, 1e6], Gen.Bool).Sample((low, width, log) =>
        {
            var ticks = new ChartAxis(low, low + width, 0, 1, log).Ticks;
            Assert.InRange(ticks.Count, 1, 40);
            Assert.All(ticks, t => Assert.InRange(t, low - width * 1e-3 - low * 1e-3, (low + width) * 1.002));
            Assert.Equal(ticks.Order(), ticks);
        }, seed: "0000KxY1sF90", iter: 500);

    [Theory]
    [InlineData(0, "0")]
    [InlineData(9_999, "9,999")]
    [InlineData(614_400, "614 k")]
    [InlineData(6_840_000, "6.84 M")]
    [InlineData(1_300_000_000, "1.3 G")]
    public void Counts_are_short(double count, string expected) => Assert.Equal(expected, ReportNumbers.Count(count));

    [Theory]
    [InlineData(3e-3, "3e-3")]
    [InlineData(0.00025, "2.5e-4")]
    [InlineData(1, "1e0")]
    public void Rates_are_powers_of_ten(double rate, string expected) =>
        Assert.Equal(expected, ReportNumbers.Rate(rate));

    [Fact]
    public void Numbers_are_written_alike_in_every_culture()
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo("")
            {
                NumberFormat = new NumberFormatInfo { NumberDecimalSeparator = ",", NumberGroupSeparator = "." },
            };
            Assert.Equal("3.412", ReportNumbers.Loss(3.412));
            Assert.Contains(" d=\"M58 ", Draw(false, Line("a", (0, 1.5), (1, 2.25))).ToString(),
                StringComparison.Ordinal);
            Assert.Contains("<td>20.1</td>", ComparisonPage.Render(
                Comparisons.Report(Comparisons.Finished("mea", 1e-3, 3))), StringComparison.Ordinal);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    private static double Number(XElement element, string attribute) =>
        double.Parse(element.Attribute(attribute)!.Value, CultureInfo.InvariantCulture);
}
