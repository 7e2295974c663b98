namespace Crosshead.Reports;

/// <summary>One measurement of a run.</summary>
/// <param name="Step">Optimizer steps done.</param>
/// <param name="Tokens">Tokens trained on.</param>
/// <param name="TrainLoss">Loss on the training text, nats a token; null when not measured here.</param>
/// <param name="HeldOutLoss">Loss on the held-out text, nats a token; null when not measured here.</param>
public sealed record ComparisonPoint(long Step, long Tokens, double? TrainLoss, double? HeldOutLoss);
