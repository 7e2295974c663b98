namespace Crosshead.Reports.Charts;

/// <summary>Rows of a <see cref="DotChart"/> that belong together, under a name.</summary>
internal sealed record DotGroup(string Name, IReadOnlyList<DotRow> Rows);
