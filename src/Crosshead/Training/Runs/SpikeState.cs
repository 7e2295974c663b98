namespace Crosshead.Training.Runs;

/// <summary>All that a <see cref="SpikeDetector"/> remembers; part of a checkpoint.</summary>
/// <param name="Steps">Losses averaged so far.</param>
/// <param name="Mean">Running mean of the loss.</param>
/// <param name="Variance">Running variance of the loss between steps.</param>
/// <param name="Baseline">Lowest running mean so far.</param>
/// <param name="Began">Step at which the present spike began; null outside of one.</param>
public sealed record SpikeState(long Steps, double Mean, double Variance, double Baseline, long? Began);
