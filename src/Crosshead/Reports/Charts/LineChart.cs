using System.Globalization;
using Crosshead.Reports.Pages;
using static Crosshead.Reports.Charts.ChartFrame;

namespace Crosshead.Reports.Charts;

/// <summary>
/// Draws lines as SVG for the report page. Colours come from the page's style, so the chart follows light mode, dark
/// mode and print. Text uses the page's font, and points have tooltips. Plotting libraries render through a native
/// canvas instead, with fixed colours and no tooltips. They place each letter for a font of the machine that made the
/// page.
/// </summary>
internal sealed class LineChart
{
    private const double Left = 58, Top = 14;
    private const double LabelHeight = 17, LeaderReach = 60;

    /// <summary>The lines in drawing order; the last line is on top.</summary>
    public required IReadOnlyList<ChartSeries> Series { get; init; }

    /// <summary>What the chart shows, in words for screen readers.</summary>
    public required string Title { get; init; }

    /// <summary>The name of the horizontal axis.</summary>
    public required string XTitle { get; init; }

    /// <summary>The name of the vertical axis.</summary>
    public required string YTitle { get; init; }

    /// <summary>Whether the horizontal axis is logarithmic, which leaves out points at 0 and below.</summary>
    public bool LogX { get; init; }

    /// <summary>Space between the ends of the horizontal axis and the points, in SVG units.</summary>
    public double Inset { get; init; }

    /// <summary>The format of values on the horizontal axis.</summary>
    public Func<double, string> XFormat { get; init; } = ReportNumbers.Count;

    /// <summary>The format of values on the vertical axis.</summary>
    public Func<double, string> YFormat { get; init; } = y => ReportNumbers.Loss(y);

    /// <summary>Returns the chart as HTML for wide and narrow screens; empty if no point is finite.</summary>
    public string ToHtml() => ChartFigure.Of(ToSvg,
        Series.Where(Labelled).OrderByDescending(s => s.Points.Last(Drawn).Y).Select(s => (s.Label, s.Color, s.Dash)));

    /// <summary>Returns the chart as an <c>svg</c> element; empty if no point is finite.</summary>
    public string ToSvg(bool narrow = false)
    {
        var points = Series.SelectMany(s => s.Points).Where(Drawn).ToArray();
        if (points.Length == 0) return "";
        var labels = Series.Where(Labelled).Select(s => s.Label.Length).DefaultIfEmpty().Max();
        // The labels stand to the right of this edge.
        var right = narrow ? ChartFigure.Narrow - 14 : ChartFigure.Wide - 26 - (8 * Math.Min(30, labels));
        var frame = new ChartFrame(narrow, Left, right, Top, narrow ? 274 : 354, Title);
        var margin = Math.Max(1e-9, 0.05 * (points.Max(p => p.Y) - points.Min(p => p.Y)));
        var x = new ChartAxis(points.Min(p => p.X), points.Max(p => p.X), Left + Inset, right - Inset, LogX);
        var y = new ChartAxis(points.Min(p => p.Y) - margin, points.Max(p => p.Y) + margin, frame.Bottom, Top);
        frame.AddHorizontalGrid(y, tick => Short(y.Ticks, tick));
        frame.AddAxisBelow(x, XFormat);
        frame.AddNameBelow(XTitle);
        frame.AddNameBeside(YTitle);
        foreach (var series in Series) AddLine(frame, series, x, y);
        if (!narrow) AddLabels(frame, x, y);
        return frame.ToString();
    }

    private bool Drawn((double X, double Y) p) => double.IsFinite(p.X) && double.IsFinite(p.Y) && (!LogX || p.X > 0);

    // Whether a series has a visible line; only these series have a label.
    private bool Labelled(ChartSeries series) =>
        series.Drawn is ChartPoints.LineAndDots or ChartPoints.Line && series.Points.Any(Drawn);

    private void AddLine(ChartFrame frame, ChartSeries series, ChartAxis x, ChartAxis y)
    {
        frame.Add($"<g class=\"series c{series.Color} d{series.Dash}\">");
        AddBand(frame, series, x, y);
        if (series.Drawn is ChartPoints.LineAndDots or ChartPoints.Line) AddPath(frame, series, x, y);
        if (series.Drawn != ChartPoints.Line)
            foreach (var point in series.Points.Where(Drawn))
                AddPoint(frame, series, point, x.Place(point.X), y.Place(point.Y));
        frame.Add($"</g>");
    }

    private void AddPath(ChartFrame frame, ChartSeries series, ChartAxis x, ChartAxis y)
    {
        frame.Add($"<path d=\"");
        var begin = true;
        foreach (var point in series.Points)
        {
            if (Drawn(point)) frame.Add($"{(begin ? 'M' : 'L')}{x.Place(point.X):0.#} {y.Place(point.Y):0.#}");
            begin = !Drawn(point);
        }
        frame.Add($"\"/>");
    }

    private void AddPoint(ChartFrame frame, ChartSeries series, (double X, double Y) point, double x, double y)
    {
        var title = Encode(series.Tip?.Invoke(point) ?? $"{series.Label}: {YFormat(point.Y)} at {XFormat(point.X)}");
        if (series.Drawn == ChartPoints.Crosses)
        {
            frame.Add($"<path class=\"cross\" d=\"M{x - 5:0.#} {y - 5:0.#}l10 10m0 -10l-10 10\">");
            frame.Add($"<title>{title}</title></path>");
        }
        else
        {
            frame.Add($"<circle cx=\"{x:0.#}\" cy=\"{y:0.#}\" r=\"2.4\"><title>{title}</title></circle>");
        }
    }

    // Follows the upper edge, then the lower edge back. Points outside of the chart move to its border.
    private void AddBand(ChartFrame frame, ChartSeries series, ChartAxis x, ChartAxis y)
    {
        if (series.Band.Count == 0) return;
        var edge = series.Band.Select(b => (b.X, Y: b.High)).Concat(series.Band.Reverse().Select(b => (b.X, Y: b.Low)));
        frame.Add($"<path class=\"band\" d=\"");
        var command = 'M';
        foreach (var point in edge)
        {
            frame.Add($"{command}{x.Place(point.X):0.#} {Math.Clamp(y.Place(point.Y), Top, frame.Bottom):0.#}");
            command = 'L';
        }
        frame.Add($"Z\"/>");
    }

    // Labels stand at the right and move apart if they would overlap. A thin line joins each label to the end of its
    // series. If a series ends early, this thin line would cross other series. The label then has a short sample of the
    // series' line instead.
    private void AddLabels(ChartFrame frame, ChartAxis x, ChartAxis y)
    {
        var ends = Series.Where(Labelled).Select(s => (Series: s, End: s.Points.Last(Drawn)))
            .OrderBy(e => y.Place(e.End.Y)).ToArray();
        var places = ends.Select(e => y.Place(e.End.Y)).ToArray();
        for (var i = 1; i < places.Length; i++) places[i] = Math.Max(places[i], places[i - 1] + LabelHeight);
        var limit = frame.Bottom;
        for (var i = places.Length - 1; i >= 0; i--, limit -= LabelHeight) places[i] = Math.Min(places[i], limit);

        for (var i = 0; i < ends.Length; i++)
        {
            var (series, end) = ends[i];
            frame.Add($"<g class=\"label c{series.Color} d{series.Dash}\">");
            if (frame.Right - x.Place(end.X) <= LeaderReach)
                frame.Add($"<line x1=\"{x.Place(end.X) + 4:0.#}\" y1=\"{y.Place(end.Y):0.#}\" x2=\"{frame.Right
                    + 14:0.#}\" y2=\"{places[i]:0.#}\"/>");
            else
                frame.Add($"<path d=\"M{frame.Right + 1:0.#} {places[i]:0.#}H{frame.Right + 14:0.#}\"/>");
            frame.Add($"<text x=\"{frame.Right + 18:0.#}\" ");
            frame.Add($"y=\"{places[i] + 4:0.#}\">{Encode(series.Label)}</text></g>");
        }
    }

    // Writes a tick with no more decimals than are needed to tell the ticks apart.
    private string Short(IReadOnlyList<double> ticks, double tick)
    {
        var step = ticks.Count > 1 ? ticks[1] - ticks[0] : 0;
        return step > 0 ? tick.ToString("F" + Math.Clamp((int)Math.Ceiling(-Math.Log10(step) - 1e-9), 0, 6),
            CultureInfo.InvariantCulture) : YFormat(tick);
    }
}
