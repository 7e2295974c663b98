namespace Crosshead.Reports.Charts;

/// <summary>One line of a <see cref="LineChart"/>.</summary>
/// <param name="Label">Stands at the line's end and in its tooltips.</param>
/// <param name="Color">Which of the page's series colours it has; 0 is the accent.</param>
/// <param name="Dash">Which dash pattern it has; 0 is solid.</param>
/// <param name="Points">From left to right; a value that is not finite breaks the line.</param>
internal sealed record ChartSeries(string Label, int Color, int Dash, IReadOnlyList<(double X, double Y)> Points)
{
    /// <summary>An area behind the line, from left to right.</summary>
    public IReadOnlyList<(double X, double Low, double High)> Band { get; init; } = [];

    /// <summary>A point's tooltip; null for the label and both values.</summary>
    public Func<(double X, double Y), string>? Tip { get; init; }

    /// <summary>How the points are drawn.</summary>
    public ChartPoints Drawn { get; init; } = ChartPoints.LineAndDots;
}
