using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;

namespace Crosshead.Reports.Charts;

/// <summary>
/// A chart drawn twice, for wide and for narrow screens. The page's style shows one of the two drawings. Text in SVG
/// shrinks with its chart: on a phone, the text of the wide drawing would be too small to read.
/// </summary>
internal static class ChartFigure
{
    /// <summary>Width of the wide and of the narrow drawing, in SVG units; a letter is about 7 units wide.</summary>
    public const double Wide = 960, Narrow = 390;

    /// <summary>Returns the HTML of the chart; empty if there is nothing to draw.</summary>
    /// <param name="draw">Draws the chart; its argument is true for narrow screens.</param>
    /// <param name="legend">Name, colour and dash of each series that the narrow drawing does not name.</param>
    public static string Of(Func<bool, string> draw, IEnumerable<(string Name, int Color, int Dash)> legend)
    {
        var wide = draw(false);
        if (wide.Length == 0) return "";
        var html = new StringBuilder($"<div class=\"on-wide\">{wide}</div><div class=\"on-narrow\">{draw(true)}");
        var keys = legend.ToArray();
        if (keys.Length > 0)
        {
            html.Append("<ul class=\"legend\">");
            foreach (var (name, color, dash) in keys)
                html.Append(CultureInfo.InvariantCulture,
                    $"<li><svg class=\"dash\" viewBox=\"0 0 34 8\" aria-hidden=\"true\"><g class=\"series c{color} "
                    + $"d{dash}\"><path d=\"M1 4H33\"/></g></svg>{HtmlEncoder.Default.Encode(name)}</li>");
            html.Append("</ul>");
        }
        return html.Append("</div>").ToString();
    }
}
