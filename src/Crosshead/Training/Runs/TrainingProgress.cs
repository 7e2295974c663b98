namespace Crosshead.Training.Runs;

/// <summary>The progress of a run after each step.</summary>
/// <param name="Step">Optimizer steps taken.</param>
/// <param name="Steps">Total number of steps.</param>
/// <param name="Tokens">Tokens trained on.</param>
/// <param name="Loss">Loss of the step, in nats.</param>
/// <param name="HeldOutLoss">Held-out loss at the last evaluation, in nats; null before the first.</param>
/// <param name="LearningRate">Rate of the step.</param>
/// <param name="TokensPerSecond">Training speed, averaged over recent steps.</param>
/// <param name="ShareOfPeak">Share of the device's peak FLOP/s that training reaches, 0 to 1; null if it could not be
/// measured because other work kept the device busy.</param>
/// <param name="TimeLeft">Time until the last step, at the speed so far.</param>
public sealed record TrainingProgress(
    long Step, long Steps, long Tokens, double Loss, double? HeldOutLoss, double LearningRate, double TokensPerSecond,
    double? ShareOfPeak, TimeSpan TimeLeft);
