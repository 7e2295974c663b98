using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using Crosshead.Reports.Pages;

namespace Crosshead.Reports.Charts;

/// <summary>
/// Draws lines as SVG for the report page: colours come from the page's style, so that the chart follows light, dark and print;
/// text is text in the page's font; points have tooltips. Plotting libraries render through a native canvas, with each letter
/// placed for a font of the machine that made the page, in fixed colours and without tooltips.
/// </summary>
internal sealed class LineChart
{
    private const double Left = 58, Top = 14, Bottom = 46;
    private const double LabelHeight = 17, TickRoom = 46, LeaderReach = 60;

    private readonly StringBuilder _svg = new();
    private bool _narrow; // lines are named below the chart
    private double _right; // where the lines end and the labels' room begins

    /// <summary>The lines, drawn in this order: the last is on top.</summary>
    public required IReadOnlyList<ChartSeries> Series { get; init; }

    /// <summary>What the chart shows, for readers who do not see it.</summary>
    public required string Title { get; init; }

    /// <summary>The name below the horizontal axis.</summary>
    public required string XTitle { get; init; }

    /// <summary>The name at the top of the vertical axis.</summary>
    public required string YTitle { get; init; }

    /// <summary>Whether the horizontal axis is logarithmic; points at 0 and below are then left out.</summary>
    public bool LogX { get; init; }

    /// <summary>Room between the ends of the horizontal axis and the points.</summary>
    public double Inset { get; init; }

    /// <summary>How values of the horizontal axis are written.</summary>
    public Func<double, string> XFormat { get; init; } = ReportNumbers.Count;

    /// <summary>How values of the vertical axis are written.</summary>
    public Func<double, string> YFormat { get; init; } = y => ReportNumbers.Loss(y);

    private double Height => _narrow ? 320 : 400;

    /// <summary>The chart for a page, for wide and narrow screens; empty when there is no finite point.</summary>
    public string ToHtml() => ChartFigure.Of(ToSvg, Series.Where(Labelled).OrderByDescending(s => s.Points.Last(Drawn).Y).Select(s => (s.Label, s.Color, s.Dash)));

    /// <summary>The chart as an <c>svg</c> element; empty when there is no finite point.</summary>
    public string ToSvg(bool narrow = false)
    {
        _narrow = narrow;
        var width = narrow ? ChartFigure.Narrow : ChartFigure.Wide;
        var points = Series.SelectMany(s => s.Points).Where(Drawn).ToArray();
        if (points.Length == 0) return "";
        _right = narrow ? width - 14 : width - 26 - 8 * Math.Min(30, Series.Where(Labelled).Select(s => s.Label.Length).DefaultIfEmpty().Max());
        var margin = Math.Max(1e-9, 0.05 * (points.Max(p => p.Y) - points.Min(p => p.Y)));
        var x = new ChartAxis(points.Min(p => p.X), points.Max(p => p.X), Left + Inset, _right - Inset, LogX);
        var y = new ChartAxis(points.Min(p => p.Y) - margin, points.Max(p => p.Y) + margin, Height - Bottom, Top);

        _svg.Clear();
        Add($"<svg class=\"chart\" viewBox=\"0 0 {width} {Height}\" role=\"img\" aria-label=\"{Encode(Title)}\">");
        AddAxes(x, y);
        foreach (var series in Series) AddLine(series, x, y);
        if (!narrow) AddLabels(x, y);
        return _svg.Append("</svg>").ToString();
    }

    private bool Drawn((double X, double Y) p) => double.IsFinite(p.X) && double.IsFinite(p.Y) && (!LogX || p.X > 0);

    // A line that can be seen.
    private bool Labelled(ChartSeries series) => series.Drawn is ChartPoints.LineAndDots or ChartPoints.Line && series.Points.Any(Drawn);

    private void AddAxes(ChartAxis x, ChartAxis y)
    {
        foreach (var tick in y.Ticks)
        {
            Add($"<line class=\"grid\" x1=\"{Left}\" x2=\"{_right:0.#}\" y1=\"{y.Place(tick):0.#}\" y2=\"{y.Place(tick):0.#}\"/>");
            Add($"<text class=\"tick\" x=\"{Left - 8}\" y=\"{y.Place(tick) + 4:0.#}\" text-anchor=\"end\">{Encode(Short(y.Ticks, tick))}</text>");
        }
        Add($"<line class=\"axis\" x1=\"{Left}\" x2=\"{_right:0.#}\" y1=\"{Height - Bottom}\" y2=\"{Height - Bottom}\"/>");
        var free = double.NegativeInfinity; // where the next label has room
        foreach (var tick in x.Ticks)
        {
            Add($"<line class=\"axis\" x1=\"{x.Place(tick):0.#}\" x2=\"{x.Place(tick):0.#}\" y1=\"{Height - Bottom}\" y2=\"{Height - Bottom + 5}\"/>");
            if (x.Place(tick) < free) continue;
            free = x.Place(tick) + TickRoom;
            Add($"<text class=\"tick\" x=\"{x.Place(tick):0.#}\" y=\"{Height - Bottom + 19}\" text-anchor=\"middle\">{Encode(XFormat(tick))}</text>");
        }
        Add($"<text class=\"title\" x=\"{(Left + _right) / 2:0.#}\" y=\"{Height - 6}\" text-anchor=\"middle\">{Encode(XTitle)}</text>");
        Add($"<text class=\"title\" transform=\"translate(13 {(Top + Height - Bottom) / 2}) rotate(-90)\" text-anchor=\"middle\">{Encode(YTitle)}</text>");
    }

    private void AddLine(ChartSeries series, ChartAxis x, ChartAxis y)
    {
        Add($"<g class=\"series c{series.Color} d{series.Dash}\">");
        AddBand(series, x, y);
        if (series.Drawn is ChartPoints.LineAndDots or ChartPoints.Line) AddPath(series, x, y);
        if (series.Drawn != ChartPoints.Line)
            foreach (var point in series.Points.Where(Drawn)) AddPoint(series, point, x.Place(point.X), y.Place(point.Y));
        Add($"</g>");
    }

    private void AddPath(ChartSeries series, ChartAxis x, ChartAxis y)
    {
        Add($"<path d=\"");
        var begin = true;
        foreach (var point in series.Points)
        {
            if (Drawn(point)) Add($"{(begin ? 'M' : 'L')}{x.Place(point.X):0.#} {y.Place(point.Y):0.#}");
            begin = !Drawn(point);
        }
        Add($"\"/>");
    }

    private void AddPoint(ChartSeries series, (double X, double Y) point, double x, double y)
    {
        var title = Encode(series.Tip?.Invoke(point) ?? $"{series.Label}: {YFormat(point.Y)} at {XFormat(point.X)}");
        if (series.Drawn == ChartPoints.Crosses)
            Add($"<path class=\"cross\" d=\"M{x - 5:0.#} {y - 5:0.#}l10 10m0 -10l-10 10\"><title>{title}</title></path>");
        else
            Add($"<circle cx=\"{x:0.#}\" cy=\"{y:0.#}\" r=\"2.4\"><title>{title}</title></circle>");
    }

    // Along the upper edge and back along the lower; what leaves the chart is cut at its edges.
    private void AddBand(ChartSeries series, ChartAxis x, ChartAxis y)
    {
        if (series.Band.Count == 0) return;
        var edge = series.Band.Select(b => (b.X, Y: b.High)).Concat(series.Band.Reverse().Select(b => (b.X, Y: b.Low)));
        Add($"<path class=\"band\" d=\"");
        var command = 'M';
        foreach (var point in edge)
        {
            Add($"{command}{x.Place(point.X):0.#} {Math.Clamp(y.Place(point.Y), Top, Height - Bottom):0.#}");
            command = 'L';
        }
        Add($"Z\"/>");
    }

    // Labels stand at the right, moved apart where they would cover each other, each with a thin line to its line's end. That
    // would cross the other lines where a line ends early; its label has a piece of the line instead.
    private void AddLabels(ChartAxis x, ChartAxis y)
    {
        var ends = Series.Where(Labelled).Select(s => (Series: s, End: s.Points.Last(Drawn)))
            .OrderBy(e => y.Place(e.End.Y)).ToArray();
        var places = ends.Select(e => y.Place(e.End.Y)).ToArray();
        for (var i = 1; i < places.Length; i++) places[i] = Math.Max(places[i], places[i - 1] + LabelHeight);
        var limit = Height - Bottom;
        for (var i = places.Length - 1; i >= 0; i--, limit -= LabelHeight) places[i] = Math.Min(places[i], limit);

        for (var i = 0; i < ends.Length; i++)
        {
            var (series, end) = ends[i];
            Add($"<g class=\"label c{series.Color} d{series.Dash}\">");
            if (_right - x.Place(end.X) <= LeaderReach)
                Add($"<line x1=\"{x.Place(end.X) + 4:0.#}\" y1=\"{y.Place(end.Y):0.#}\" x2=\"{_right + 14:0.#}\" y2=\"{places[i]:0.#}\"/>");
            else
                Add($"<path d=\"M{_right + 1:0.#} {places[i]:0.#}H{_right + 14:0.#}\"/>");
            Add($"<text x=\"{_right + 18:0.#}\" y=\"{places[i] + 4:0.#}\">{Encode(series.Label)}</text></g>");
        }
    }

    // Ticks need only the digits that tell them apart.
    private string Short(IReadOnlyList<double> ticks, double tick)
    {
        var step = ticks.Count > 1 ? ticks[1] - ticks[0] : 0;
        return step > 0 ? tick.ToString("F" + Math.Clamp((int)Math.Ceiling(-Math.Log10(step) - 1e-9), 0, 6), CultureInfo.InvariantCulture) : YFormat(tick);
    }

    private void Add(FormattableString text) => _svg.Append(text.ToString(CultureInfo.InvariantCulture));

    private static string Encode(string text) => HtmlEncoder.Default.Encode(text);
}
