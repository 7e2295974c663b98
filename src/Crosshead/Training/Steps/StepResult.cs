namespace Crosshead.Training.Steps;

/// <summary>What an optimizer step measured.</summary>
/// <param name="Loss">Mean cross-entropy of its tokens before the step, in nats.</param>
/// <param name="GradientNorm">Norm of all gradients together, before clipping.</param>
public readonly record struct StepResult(double Loss, double GradientNorm)
{
    /// <summary>Whether both are finite.</summary>
    public bool IsFinite => double.IsFinite(Loss) && double.IsFinite(GradientNorm);
}
