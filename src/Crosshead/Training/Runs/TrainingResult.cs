using Crosshead.Training.Recipes;

namespace Crosshead.Training.Runs;

/// <summary>How a run ended.</summary>
/// <param name="End">Why.</param>
/// <param name="Step">Optimizer steps taken, including those before a resumption.</param>
/// <param name="Tokens">Tokens trained on.</param>
/// <param name="TrainingLoss">Loss of the last step, in nats; not a number where it is not known.</param>
/// <param name="HeldOutLoss">Held-out loss at the last evaluation, in nats; null where there was none.</param>
/// <param name="BestHeldOutLoss">Lowest held-out loss of the run.</param>
/// <param name="TokensPerSecond">
/// Training speed of this process, evaluations and checkpoints not counted; 0 if it took no step.
/// </param>
/// <param name="Spikes">Steps whose loss was a spike.</param>
/// <param name="Checkpoint">Folder of the newest checkpoint; null if there is none.</param>
/// <param name="Model">Folder of the final model; null if none was written.</param>
public sealed record TrainingResult(
    TrainingEnd End, long Step, long Tokens, double TrainingLoss, double? HeldOutLoss, double? BestHeldOutLoss,
    double TokensPerSecond, long Spikes,
    string? Checkpoint, string? Model)
{
    /// <summary>The precision that the run computed in.</summary>
    public required TrainingPrecision Precision { get; init; }

    /// <summary>
    /// Share of right answers of each recall task at the last measurement, 0 to 1; null if there was none.
    /// </summary>
    public IReadOnlyDictionary<string, double>? Recall { get; init; }

    /// <summary>Width in bits of the vectors that the kernels used on the processor; null on CUDA.</summary>
    public int? VectorBits { get; init; }

    /// <summary>
    /// Whether the run was resumed although it had taken all its steps and written its model: nothing was left to do.
    /// </summary>
    public bool WasFinished { get; init; }

    /// <summary>Whether the run was asked to stop before its last step.</summary>
    public bool Interrupted => End == TrainingEnd.Interrupted;
}
