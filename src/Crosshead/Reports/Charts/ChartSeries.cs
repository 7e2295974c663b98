namespace Crosshead.Reports.Charts;

/// <summary>One line of a <see cref="LineChart"/>.</summary>
/// <param name="Label">The name at the end of the line and in its tooltips.</param>
/// <param name="Color">Index of the colour in the page's style; 0 is the accent.</param>
/// <param name="Dash">Index of the dash pattern; 0 is solid.</param>
/// <param name="Points">The points from left to right; a value that is not finite breaks the line.</param>
internal sealed record ChartSeries(string Label, int Color, int Dash, IReadOnlyList<(double X, double Y)> Points)
{
    /// <summary>An area behind the line, from left to right.</summary>
    public IReadOnlyList<(double X, double Low, double High)> Band { get; init; } = [];

    /// <summary>Makes the tooltip of a point; null for the default tooltip: the label and both values.</summary>
    public Func<(double X, double Y), string>? Tip { get; init; }

    /// <summary>How the points are drawn.</summary>
    public ChartPoints Drawn { get; init; } = ChartPoints.LineAndDots;
}
