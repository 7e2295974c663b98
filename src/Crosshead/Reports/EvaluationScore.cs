namespace Crosshead.Reports;

/// <summary>What one model reached in one row of an <see cref="EvaluationReport"/>.</summary>
/// <param name="Value">Percent, a perplexity, or bits a byte.</param>
/// <param name="StandardError">Of the value; NaN where it is not known.</param>
/// <param name="Difference">How far it is from the first model: percentage points, nats for a perplexity, or bits; null for the first model itself.</param>
/// <param name="DifferenceError">Standard error of the difference.</param>
public sealed record EvaluationScore(double Value, double StandardError, double? Difference, double DifferenceError);
