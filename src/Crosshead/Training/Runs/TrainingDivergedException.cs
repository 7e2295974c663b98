namespace Crosshead.Training.Runs;

/// <summary>
/// Training broke down: a loss or a gradient is not finite, or a spike of the loss did not end. The message says at
/// which step, what was seen, and where to go back to.
/// </summary>
public sealed class TrainingDivergedException : CrossheadException
{
    /// <summary>Creates the error.</summary>
    /// <param name="step">The step that broke down.</param>
    /// <param name="seen">What was seen.</param>
    /// <param name="remedy">What to do.</param>
    public TrainingDivergedException(long step, string seen, string remedy)
        : base($"training broke down at step {step}: {seen}; {remedy}.") => Step = step;

    /// <summary>The step that broke down, counted from 1.</summary>
    public long Step { get; }
}
