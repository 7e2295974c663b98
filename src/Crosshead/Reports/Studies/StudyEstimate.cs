namespace Crosshead.Reports.Studies;

/// <summary>A number with its 95 % confidence interval.</summary>
/// <param name="Value">The number.</param>
/// <param name="Low">Lower end of the interval.</param>
/// <param name="High">Upper end of the interval.</param>
public readonly record struct StudyEstimate(double Value, double Low, double High);
