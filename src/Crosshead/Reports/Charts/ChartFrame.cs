using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;

namespace Crosshead.Reports.Charts;

/// <summary>
/// The common parts of all charts: the <c>svg</c> element, the grid, the ticks and the names of the axes. They surround
/// the area where a chart draws its marks. Positions are in the units of <see cref="ChartFigure.Wide"/>, from the top
/// left.
/// </summary>
internal sealed class ChartFrame
{
    private const double RoomBelow = 46; // for ticks and the axis's name
    private const double TickRoom = 46;

    private readonly StringBuilder _svg = new();

    /// <summary>Begins a chart with its marks between the given edges.</summary>
    /// <param name="narrow">Whether the chart is for narrow screens.</param>
    /// <param name="left">Left edge of the marks.</param>
    /// <param name="right">Right edge of the marks.</param>
    /// <param name="top">Upper edge of the marks.</param>
    /// <param name="bottom">Lower edge of the marks.</param>
    /// <param name="title">What the chart shows, in words for screen readers.</param>
    public ChartFrame(bool narrow, double left, double right, double top, double bottom, string title)
    {
        (Left, Right, Top, Bottom) = (left, right, top, bottom);
        var width = narrow ? ChartFigure.Narrow : ChartFigure.Wide;
        Add($"<svg class=\"chart\" viewBox=\"0 0 {width} {bottom + RoomBelow:0.#}\" role=\"img\" ");
        Add($"aria-label=\"{Encode(title)}\">");
    }

    /// <summary>Left edge of the marks.</summary>
    public double Left { get; }

    /// <summary>Right edge of the marks.</summary>
    public double Right { get; }

    /// <summary>Upper edge of the marks.</summary>
    public double Top { get; }

    /// <summary>Lower edge of the marks.</summary>
    public double Bottom { get; }

    /// <summary>Encodes a text for use in the chart.</summary>
    public static string Encode(string text) => HtmlEncoder.Default.Encode(text);

    /// <summary>Adds a piece of SVG, with its numbers formatted for the invariant culture.</summary>
    public void Add(FormattableString text) => _svg.Append(text.ToString(CultureInfo.InvariantCulture));

    /// <summary>Adds a vertical line at each tick, with the value of the tick below.</summary>
    public void AddVerticalGrid(ChartAxis x)
    {
        foreach (var tick in x.Ticks)
        {
            AddVertical("grid", x.Place(tick));
            Add($"<text class=\"tick\" x=\"{x.Place(tick):0.#}\" y=\"{Bottom + 19:0.#}\" ");
            Add($"text-anchor=\"middle\">{tick:0.######}</text>");
        }
    }

    /// <summary>Adds a vertical line from the top to the bottom.</summary>
    public void AddVertical(string style, double x) =>
        Add($"<line class=\"{style}\" x1=\"{x:0.#}\" x2=\"{x:0.#}\" y1=\"{Top}\" y2=\"{Bottom:0.#}\"/>");

    /// <summary>Adds a horizontal line at each tick, with the value of the tick at the left.</summary>
    public void AddHorizontalGrid(ChartAxis y, Func<double, string> format)
    {
        foreach (var tick in y.Ticks)
        {
            Add($"<line class=\"grid\" x1=\"{Left}\" x2=\"{Right:0.#}\" y1=\"{y.Place(tick):0.#}\" ");
            Add($"y2=\"{y.Place(tick):0.#}\"/>");
            Add($"<text class=\"tick\" x=\"{Left - 8}\" y=\"{y.Place(tick) + 4:0.#}\" ");
            Add($"text-anchor=\"end\">{Encode(format(tick))}</text>");
        }
    }

    /// <summary>
    /// Adds the horizontal axis with a mark at each tick. Leaves out the values of ticks that are too close together.
    /// </summary>
    public void AddAxisBelow(ChartAxis x, Func<double, string> format)
    {
        Add($"<line class=\"axis\" x1=\"{Left}\" x2=\"{Right:0.#}\" y1=\"{Bottom}\" y2=\"{Bottom}\"/>");
        var free = double.NegativeInfinity; // where the next value has room
        foreach (var tick in x.Ticks)
        {
            Add($"<line class=\"axis\" x1=\"{x.Place(tick):0.#}\" x2=\"{x.Place(tick):0.#}\" y1=\"{Bottom}\" ");
            Add($"y2=\"{Bottom + 5}\"/>");
            if (x.Place(tick) < free) continue;
            free = x.Place(tick) + TickRoom;
            Add($"<text class=\"tick\" x=\"{x.Place(tick):0.#}\" y=\"{Bottom + 19}\" ");
            Add($"text-anchor=\"middle\">{Encode(format(tick))}</text>");
        }
    }

    /// <summary>Adds the name of the horizontal axis.</summary>
    public void AddNameBelow(string name) =>
        Add($"<text class=\"title\" x=\"{(Left + Right) / 2:0.#}\" y=\"{Bottom
            + RoomBelow - 6:0.#}\" text-anchor=\"middle\">{Encode(name)}</text>");

    /// <summary>Adds the name of the vertical axis.</summary>
    public void AddNameBeside(string name) =>
        Add($"<text class=\"title\" transform=\"translate(13 {(Top
            + Bottom) / 2}) rotate(-90)\" text-anchor=\"middle\">{Encode(name)}</text>");

    /// <summary>The whole <c>svg</c> element.</summary>
    public override string ToString() => _svg + "</svg>";
}
