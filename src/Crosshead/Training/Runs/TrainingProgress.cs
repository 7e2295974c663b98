namespace Crosshead.Training.Runs;

/// <summary>Where a run stands, after each step.</summary>
/// <param name="Step">Optimizer steps taken.</param>
/// <param name="Steps">Of how many.</param>
/// <param name="Tokens">Tokens trained on.</param>
/// <param name="Loss">Loss of the step, in nats.</param>
/// <param name="HeldOutLoss">Held-out loss at the last evaluation, in nats; null before the first.</param>
/// <param name="LearningRate">Rate of the step.</param>
/// <param name="TokensPerSecond">Training speed, averaged over recent steps.</param>
/// <param name="ShareOfPeak">Part of the device's peak FLOP/s that training does, 0 to 1; null where it could not be measured, as other work kept the device busy.</param>
/// <param name="TimeLeft">Until the last step, at the pace so far.</param>
public sealed record TrainingProgress(
    long Step, long Steps, long Tokens, double Loss, double? HeldOutLoss, double LearningRate, double TokensPerSecond, double? ShareOfPeak, TimeSpan TimeLeft);
