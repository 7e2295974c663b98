namespace Crosshead.Training.Steps;

/// <summary>What an optimizer step measured.</summary>
/// <param name="Loss">Mean cross-entropy of its tokens before the step, in nats.</param>
/// <param name="GradientNorm">Norm of all gradients together, before clipping.</param>
public readonly record struct StepResult(double Loss, double GradientNorm)
{
    /// <summary>Whether both are finite.</summary>
    public bool IsFinite => double.IsFinite(Loss) && double.IsFinite(GradientNorm);

    /// <summary>
    /// Index of the first micro-batch whose loss is not finite, or else of the first whose gradient is not; null if all
    /// are finite, or if it shows only in sums of gradients.
    /// </summary>
    public int? FailedMicroBatch { get; init; }
}
