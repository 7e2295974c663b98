namespace Crosshead.Reports.Charts;

/// <summary>A bar of a chart.</summary>
/// <param name="Label">Its name, at its left.</param>
/// <param name="Color">Index of its colour in the page's style.</param>
/// <param name="Shade">0 for faint, 1, 2 for full colour.</param>
/// <param name="Value">Its length; a value that is not finite has no bar.</param>
internal sealed record ChartBar(string Label, int Color, int Shade, double Value);
