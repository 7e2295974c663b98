using System.Globalization;
using System.Xml.Linq;
using Crosshead.Reports.Charts;

namespace Crosshead.Tests.Reports.Charts;

public sealed class BarChartTests
{
    private static XElement Draw(params double[] values) => XElement.Parse(Svg(values));

    private static string Svg(params double[] values) =>
        new BarChart { Groups = [[.. values.Select(v => new ChartBar("a", 1, 2, v))]], Title = "t", XTitle = "x" }
        .ToSvg();

    [Fact]
    public void Lengths_are_in_proportion_and_begin_at_nought()
    {
        var bars = Draw(0.2, 0.1, 0).Descendants("rect").ToArray();
        Assert.Equal(Number(bars[0], "width"), 2 * Number(bars[1], "width"), 0.11);
        Assert.Equal(0, Number(bars[2], "width"));
        Assert.Single(bars.Select(b => Number(b, "x")).Distinct());
    }

    [Fact]
    public void A_negative_value_points_to_the_left()
    {
        var bars = Draw(0.2, -0.1).Descendants("rect").ToArray();
        Assert.Equal(Number(bars[0], "x"), Number(bars[1], "x") + Number(bars[1], "width"), 0.11);
    }

    [Fact]
    public void A_value_that_is_not_finite_has_words_for_a_bar()
    {
        var svg = Draw(0.2, double.NaN);
        Assert.Single(svg.Descendants("rect"));
        Assert.Contains("not finite", svg.Value, StringComparison.Ordinal);
        Assert.Equal("", Svg(double.NaN));
    }

    private static double Number(XElement element, string name) =>
        double.Parse(element.Attribute(name)!.Value, CultureInfo.InvariantCulture);
}
