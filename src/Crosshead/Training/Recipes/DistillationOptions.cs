using System.ComponentModel.DataAnnotations;

namespace Crosshead.Training.Recipes;

/// <summary>
/// A second model, the teacher, whose output the trained model learns to match. The teacher does not change. The loss
/// is weight · T² · KL(teacher ‖ student) at temperature T + (1 − weight) · cross-entropy + hiddenWeight · the error of
/// the final hidden states.
/// </summary>
public sealed record DistillationOptions
{
    /// <summary>Folder of the teacher, a model with the same vocabulary. <c>--teacher</c> sets this folder.</summary>
    public string Teacher { get; init; } = "";

    /// <summary>
    /// Weight of the teacher's part of the loss, from 0 to 1. The usual loss on the text has the remaining weight.
    /// </summary>
    [Range(0.0, 1.0)]
    public double Weight { get; init; } = 1;

    /// <summary>
    /// Temperature T: the logits of both models are divided by T. Above 1, unlikely tokens count more.
    /// </summary>
    [Range(0.1, 100.0)]
    public double Temperature { get; init; } = 1;

    /// <summary>
    /// Weight of the difference between the last hidden states of the two models. 0 turns this part of the loss off.
    /// </summary>
    [Range(0.0, 1e6)]
    public double HiddenWeight { get; init; }
}
