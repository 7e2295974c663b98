using System.ComponentModel.DataAnnotations;

namespace Crosshead.Training.Recipes;

/// <summary>
/// A second, frozen model that the trained one is to agree with. The loss is weight · T² · KL(teacher ‖ student) at
/// temperature T + (1 − weight) · cross-entropy + hiddenWeight · the error of the final hidden states.
/// </summary>
public sealed record DistillationOptions
{
    /// <summary>Folder of the teacher, a model with the same vocabulary. <c>--teacher</c> sets it.</summary>
    public string Teacher { get; init; } = "";

    /// <summary>
    /// How much agreement with the teacher counts, from 0 to 1. The rest is the usual loss on the text.
    /// </summary>
    [Range(0.0, 1.0)]
    public double Weight { get; init; } = 1;

    /// <summary>What the logits of both models are divided by. Above 1, unlikely tokens count for more.</summary>
    [Range(0.1, 100.0)]
    public double Temperature { get; init; } = 1;

    /// <summary>
    /// How much the difference between the last hidden states of the two models counts. 0: not at all.
    /// </summary>
    [Range(0.0, 1e6)]
    public double HiddenWeight { get; init; }
}
