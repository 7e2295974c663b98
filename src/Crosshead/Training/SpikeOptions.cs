using System.ComponentModel.DataAnnotations;

namespace Crosshead.Training;

/// <summary>What counts as a spike of the training loss, and when it stops the run; see <see cref="SpikeDetector"/>.</summary>
public sealed record SpikeOptions
{
    /// <summary>How far above the baseline a spike is at least, in nats.</summary>
    [Range(0.0, 1000.0)]
    public double Rise { get; init; } = 0.5;

    /// <summary>How far above the baseline a spike is at least, in standard deviations of the loss between steps.</summary>
    [Range(0.0, 1000.0)]
    public double Deviations { get; init; } = 6;

    /// <summary>Steps over which the baseline is averaged; for as many steps at the start nothing counts as a spike.</summary>
    [Range(1, 1_000_000)]
    public int Window { get; init; } = 50;

    /// <summary>Steps within which the loss must be back below the spike's threshold; after that the run stops.</summary>
    [Range(1, int.MaxValue)]
    public int Patience { get; init; } = 100;
}
