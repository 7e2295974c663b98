using System.Globalization;
using static Crosshead.Reports.Charts.ChartFrame;

namespace Crosshead.Reports.Charts;

/// <summary>
/// Draws dots with whiskers: one row per measured task, one colour per series. The dots are SVG in the page's style
/// (see <see cref="LineChart"/>).
/// </summary>
internal sealed class DotChart
{
    private const double SeriesHeight = 13, GroupHeight = 26;

    private bool _narrow; // names stand above their dots, and the colours are named below the chart

    private double Left => _narrow ? 10 : 210;

    private double Right => _narrow ? 372 : 930;

    private double Top => _narrow ? 6 : 34;

    private double LabelHeight => _narrow ? 20 : 0;

    private double RowHeight => LabelHeight + (SeriesHeight * Series.Count) + 12;

    /// <summary>The names of the series; each has its own colour of dots.</summary>
    public required IReadOnlyList<string> Series { get; init; }

    /// <summary>The groups of rows from top to bottom.</summary>
    public required IReadOnlyList<DotGroup> Groups { get; init; }

    /// <summary>What the chart shows, in words for screen readers.</summary>
    public required string Title { get; init; }

    /// <summary>The name of the axis.</summary>
    public required string XTitle { get; init; }

    /// <summary>Returns the chart as HTML for wide and narrow screens; empty if no value is finite.</summary>
    public string ToHtml() => ChartFigure.Of(ToSvg, Series.Select((name, s) => (name, s % 6, 0)));

    /// <summary>Returns the chart as an <c>svg</c> element; empty if no value is finite.</summary>
    public string ToSvg(bool narrow = false)
    {
        _narrow = narrow;
        var dots = Groups.SelectMany(g => g.Rows).SelectMany(r => r.Dots)
            .Where(d => double.IsFinite(d.Value)).ToArray();
        if (dots.Length == 0) return "";
        var axis = new ChartAxis(dots.Min(d => d.Value - d.Reach), dots.Max(d => d.Value + d.Reach), Left, Right);
        var bottom = Top + Groups.Sum(g => GroupHeight + (g.Rows.Count * RowHeight));

        var frame = new ChartFrame(narrow, Left, Right, Top, bottom, Title);
        frame.AddVerticalGrid(axis);
        if (!narrow) AddKey(frame);
        var y = Top;
        foreach (var group in Groups)
        {
            frame.Add($"<text class=\"title\" x=\"0\" y=\"{y + 18:0.#}\">{Encode(group.Name)}</text>");
            y += GroupHeight;
            foreach (var row in group.Rows)
            {
                AddRow(frame, row, axis, y);
                y += RowHeight;
            }
        }
        frame.AddNameBelow(XTitle);
        return frame.ToString();
    }

    private void AddKey(ChartFrame frame)
    {
        var x = Left;
        for (var s = 0; s < Series.Count; s++)
        {
            frame.Add($"<g class=\"label c{s % 6}\"><circle cx=\"{x + 5:0.#}\" cy=\"12\" r=\"5\"/><text ");
            frame.Add($"x=\"{x + 16:0.#}\" y=\"17\">{Encode(Series[s])}</text></g>");
            x += 42 + (7.6 * Series[s].Length);
        }
    }

    private void AddRow(ChartFrame frame, DotRow row, ChartAxis axis, double y)
    {
        var height = SeriesHeight * Series.Count;
        frame.Add(_narrow ? $"<text x=\"0\" y=\"{y + 14:0.#}\">{Encode(row.Label)}</text>"
            : (FormattableString)$"<text x=\"{Left - 14}\" y=\"{y + (height / 2)
            + 5:0.#}\" text-anchor=\"end\">{Encode(row.Label)}</text>");
        y += LabelHeight;
        for (var s = 0; s < row.Dots.Count; s++)
        {
            var (value, reach) = row.Dots[s];
            if (!double.IsFinite(value)) continue;
            var (x, middle) = (axis.Place(value), y + (SeriesHeight * (s + 0.5)));
            frame.Add($"<g class=\"dot c{s % 6}\"><line x1=\"{axis.Place(value - reach):0.#}\" ");
            frame.Add($"x2=\"{axis.Place(value + reach):0.#}\" y1=\"{middle:0.#}\" y2=\"{middle:0.#}\"/>");
            var at = value.ToString("0.00", CultureInfo.InvariantCulture);
            var within = reach.ToString("0.00", CultureInfo.InvariantCulture);
            frame.Add($"<circle cx=\"{x:0.#}\" cy=\"{middle:0.#}\" r=\"4.5\">");
            frame.Add($"<title>{Encode($"{Series[s]}, {row.Label}: {at} ± {within}")}</title></circle></g>");
        }
    }
}

/// <summary>A row of a <see cref="DotChart"/> with one dot per series.</summary>
/// <param name="Label">The name at the left of the row.</param>
/// <param name="Dots">For each series, the value of its dot and the length of its whiskers to each side. A value that
/// is not finite has no dot.</param>
internal sealed record DotRow(string Label, IReadOnlyList<(double Value, double Reach)> Dots);

/// <summary>A named group of rows in a <see cref="DotChart"/>.</summary>
internal sealed record DotGroup(string Name, IReadOnlyList<DotRow> Rows);
