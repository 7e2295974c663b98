using System.ComponentModel.DataAnnotations;

namespace Crosshead.Training;

/// <summary>
/// A second, frozen model that the trained one is to agree with. The loss is weight · T² · KL(teacher ‖ student) at
/// temperature T + (1 − weight) · cross-entropy + hiddenWeight · the error of the final hidden states.
/// </summary>
public sealed record DistillationOptions
{
    /// <summary>Model directory of the teacher, of the same vocabulary; as seen from the working directory.</summary>
    public string Teacher { get; init; } = "";

    /// <summary>Share of the divergence from the teacher, 0 to 1; the rest is cross-entropy with the text.</summary>
    [Range(0.0, 1.0)]
    public double Weight { get; init; } = 1;

    /// <summary>Temperature T, which divides the logits of both models: above 1 the unlikely tokens count for more.</summary>
    [Range(0.1, 100.0)]
    public double Temperature { get; init; } = 1;

    /// <summary>Weight of the mean squared error of the final hidden states, relative to the mean square of the teacher's; 0 for none.</summary>
    [Range(0.0, 1e6)]
    public double HiddenWeight { get; init; }
}
