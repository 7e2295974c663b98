using System.ComponentModel.DataAnnotations;

namespace Crosshead.Training.Recipes;

/// <summary>
/// What counts as a spike of the training loss, and when it stops the run; see <see cref="Runs.SpikeDetector"/>.
/// </summary>
public sealed record SpikeOptions
{
    /// <summary>
    /// How far a loss must be above the lowest mean so far, in nats a token (a nat is 1.44 bits). A spike passes both
    /// this and <see cref="Deviations"/>.
    /// </summary>
    [Range(0.0, 1000.0)]
    public double Rise { get; init; } = 0.5;

    /// <summary>How far a loss must be above the lowest mean so far, in standard deviations of the loss.</summary>
    [Range(0.0, 1000.0)]
    public double Deviations { get; init; } = 6;

    /// <summary>
    /// Steps over which the mean is taken. Within as many steps from the start nothing counts as a spike.
    /// </summary>
    [Range(1, 1_000_000)]
    public int Window { get; init; } = 50;

    /// <summary>
    /// Steps that the loss has to come back down. A run whose loss stays up longer stops and counts as diverged.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int Patience { get; init; } = 100;
}
