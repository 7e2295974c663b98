namespace Crosshead.Training.Studies;

/// <summary>A fitted number with its 95 % confidence interval.</summary>
/// <param name="Value">The number.</param>
/// <param name="Low">The lower end of the interval.</param>
/// <param name="High">The upper end of the interval.</param>
public readonly record struct Estimate(double Value, double Low, double High);
