namespace Crosshead.Reports;

/// <summary>One line of a profile's plots.</summary>
/// <param name="Label">What was compressed and how, such as <c>keys, fine</c>.</param>
/// <param name="Points">Layer or share of the cache kept, and the increase of the loss in nats a token.</param>
public sealed record ProfileLine(string Label, IReadOnlyList<(double X, double Increase)> Points);
