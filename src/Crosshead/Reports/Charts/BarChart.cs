using Crosshead.Reports.Pages;
using static Crosshead.Reports.Charts.ChartFrame;

namespace Crosshead.Reports.Charts;

/// <summary>
/// Draws horizontal bars from zero: to the right, or to the left for negative values. The bars are SVG in the page's
/// style (see <see cref="LineChart"/>).
/// </summary>
internal sealed class BarChart
{
    private const double Top = 8, BarHeight = 16, GroupGap = 12;

    private bool _narrow; // names stand above their bars, not beside them

    private double Left => _narrow ? 10 : 250;

    private double Right => _narrow ? 300 : 880;

    private double RowHeight => _narrow ? 46 : 26;

    /// <summary>The bars from top to bottom, in groups with a gap between them.</summary>
    public required IReadOnlyList<IReadOnlyList<ChartBar>> Groups { get; init; }

    /// <summary>What the chart shows, in words for screen readers.</summary>
    public required string Title { get; init; }

    /// <summary>The name of the axis.</summary>
    public required string XTitle { get; init; }

    /// <summary>The format of the values at the ends of the bars.</summary>
    public Func<double, string> Format { get; init; } = ReportNumbers.Difference;

    /// <summary>Returns the chart as HTML for wide and narrow screens; empty if no value is finite.</summary>
    public string ToHtml() => ChartFigure.Of(ToSvg, []);

    /// <summary>Returns the chart as an <c>svg</c> element; empty if no value is finite.</summary>
    public string ToSvg(bool narrow = false)
    {
        _narrow = narrow;
        var values = Groups.SelectMany(g => g).Select(b => b.Value).Where(double.IsFinite).ToArray();
        if (values.Length == 0) return "";
        var axis = new ChartAxis(Math.Min(0, values.Min()), Math.Max(0, values.Max()), Left, Right);
        var rows = Groups.Sum(g => g.Count);
        var bottom = Top + (rows * RowHeight) + ((Groups.Count - 1) * GroupGap);

        var frame = new ChartFrame(narrow, Left, Right, Top, bottom, Title);
        frame.AddVerticalGrid(axis);
        var y = Top;
        foreach (var group in Groups)
        {
            foreach (var bar in group) AddBar(frame, bar, axis, (y += RowHeight) - RowHeight);
            y += GroupGap;
        }
        frame.AddVertical("axis", axis.Place(0));
        frame.AddNameBelow(XTitle);
        return frame.ToString();
    }

    private void AddBar(ChartFrame frame, ChartBar bar, ChartAxis axis, double y)
    {
        var finite = double.IsFinite(bar.Value);
        var (zero, end) = (axis.Place(0), axis.Place(finite ? bar.Value : 0));
        frame.Add($"<g class=\"bar c{bar.Color} s{bar.Shade}\"><text x=\"{(_narrow ? 0 : Left - 12)}\" ");
        frame.Add($"y=\"{y + 17}\" text-anchor=\"{(_narrow ? "start" : "end")}\">{Encode(bar.Label)}</text>");
        y += RowHeight - BarHeight - 10;
        if (finite)
            frame.Add($"<rect x=\"{Math.Min(zero, end):0.#}\" y=\"{y
                + 5}\" width=\"{Math.Abs(end - zero):0.#}\" height=\"{BarHeight}\"/>");
        frame.Add($"<text x=\"{Math.Max(zero, end) + 8:0.#}\" ");
        frame.Add($"y=\"{y + 17}\">{Encode(finite ? Format(bar.Value) : "not finite")}</text></g>");
    }
}

/// <summary>A bar of a chart.</summary>
/// <param name="Label">The name at the left of the bar.</param>
/// <param name="Color">Index of the bar's colour in the page's style.</param>
/// <param name="Shade">Strength of the colour: 0 faint, 1 medium, 2 full.</param>
/// <param name="Value">Length of the bar; a value that is not finite has no bar.</param>
internal sealed record ChartBar(string Label, int Color, int Shade, double Value);
