using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;

namespace Crosshead.Reports.Charts;

/// <summary>
/// A chart as the page shows it: drawn twice, for wide and for narrow screens, of which the page's style shows one.
/// Text in SVG shrinks with its chart, so that on a phone a chart drawn for a desk could not be read.
/// </summary>
internal static class ChartFigure
{
    /// <summary>Width of the wide and of the narrow drawing, in units of which a letter is about 7 wide.</summary>
    public const double Wide = 960, Narrow = 390;

    /// <summary>The chart for a page; empty where there is nothing to draw.</summary>
    /// <param name="draw">Draws it; true for narrow screens.</param>
    /// <param name="legend">Name, colour and dash of everything that the narrow drawing does not name itself.</param>
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
