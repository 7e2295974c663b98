namespace Crosshead.Training.Studies;

/// <summary>How a variant did at one learning rate, all seeds together.</summary>
/// <param name="LearningRate">The rate.</param>
/// <param name="HeldOutLoss">Mean final held-out loss of its runs in nats a token; null where a run did not finish.</param>
/// <param name="Stable">Whether it is stable by the rule of <see cref="RateChoice"/>; null where that is not known.</param>
/// <param name="Why">Why it is not stable, or why that is not known; null where it is.</param>
public sealed record RateStanding(double LearningRate, double? HeldOutLoss, bool? Stable, string? Why);
