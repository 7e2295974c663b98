namespace Crosshead.Reports.Charts;

/// <summary>How the points of a <see cref="ChartSeries"/> are drawn.</summary>
internal enum ChartPoints
{
    /// <summary>A line through dots.</summary>
    LineAndDots,

    /// <summary>A line alone.</summary>
    Line,

    /// <summary>Dots alone, without a label.</summary>
    Dots,

    /// <summary>Crosses alone, without a label. They mark points where something went wrong.</summary>
    Crosses,
}
