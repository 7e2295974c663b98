namespace Crosshead.Reports.Serving;

/// <summary>Durations of one kind in a load test, in milliseconds; NaN if none was measured.</summary>
/// <param name="Median">Half of the durations are shorter.</param>
/// <param name="P99">99 % of the durations are shorter.</param>
public readonly record struct ServingLatency(double Median, double P99);
