namespace Crosshead.Training.Studies;

/// <summary>A fitted number, and where it lies with 95 % confidence.</summary>
/// <param name="Value">The number.</param>
/// <param name="Low">The lower end.</param>
/// <param name="High">The upper end.</param>
public readonly record struct Estimate(double Value, double Low, double High);
