using System.ComponentModel.DataAnnotations;

namespace Crosshead.Training.Recipes;

/// <summary>
/// Defines a spike of the training loss, and when a spike stops the run; see <see cref="Runs.SpikeDetector"/>.
/// </summary>
public sealed record SpikeOptions
{
    /// <summary>
    /// Limit of the loss above its lowest mean so far, in nats per token (a nat is 1.44 bits). A spike exceeds both
    /// this limit and <see cref="Deviations"/>.
    /// </summary>
    [Range(0.0, 1000.0)]
    public double Rise { get; init; } = 0.5;

    /// <summary>Limit of the loss above its lowest mean so far, in standard deviations of the loss.</summary>
    [Range(0.0, 1000.0)]
    public double Deviations { get; init; } = 6;

    /// <summary>
    /// Number of steps over which the mean is taken. In the first <c>window</c> steps no loss counts as a spike.
    /// </summary>
    [Range(1, 1_000_000)]
    public int Window { get; init; } = 50;

    /// <summary>
    /// Number of steps within which the loss must come down again. Otherwise the run stops and counts as diverged.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int Patience { get; init; } = 100;
}
