namespace Crosshead.Evaluation.Scoring;

/// <summary>A measured value with its standard error.</summary>
/// <param name="Value">The value.</param>
/// <param name="StandardError">Its standard error; NaN if it cannot be known, as from a single window.</param>
public readonly record struct Estimate(double Value, double StandardError);
