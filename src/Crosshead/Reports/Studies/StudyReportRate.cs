namespace Crosshead.Reports.Studies;

/// <summary>How a variant did at one learning rate, all seeds together.</summary>
/// <param name="LearningRate">The rate.</param>
/// <param name="HeldOutLoss">Mean final held-out loss in nats a token; null where a run did not finish.</param>
/// <param name="Stable">Whether the rate is stable; null where that is not known.</param>
/// <param name="Why">Why it is not, in a few words; null where it is.</param>
public sealed record StudyReportRate(double LearningRate, double? HeldOutLoss, bool? Stable, string? Why);
