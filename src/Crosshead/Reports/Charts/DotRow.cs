namespace Crosshead.Reports.Charts;

/// <summary>A row of a <see cref="DotChart"/>: a dot a series on one line.</summary>
/// <param name="Label">Its name, at its left.</param>
/// <param name="Dots">Where each series' dot stands, and how far its whiskers reach to both sides; a value that is not finite has no dot.</param>
internal sealed record DotRow(string Label, IReadOnlyList<(double Value, double Reach)> Dots);
