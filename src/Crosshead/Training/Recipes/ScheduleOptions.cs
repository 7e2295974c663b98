using System.ComponentModel.DataAnnotations;

namespace Crosshead.Training.Recipes;

/// <summary>How the learning rate changes during the run, relative to its highest value.</summary>
public sealed record ScheduleOptions
{
    /// <summary>How the rate changes after the warm-up.</summary>
    public ScheduleKind Kind { get; init; } = ScheduleKind.Cosine;

    /// <summary>
    /// Number of steps in which the rate rises linearly from 0 to its highest value. 0 means no warm-up. The number
    /// must be less than the run's number of steps.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int WarmupSteps { get; init; } = 100;

    /// <summary>Share of all steps, at the end of the run, in which the rate falls (<c>wsd</c>).</summary>
    [Range(0.0, 1.0)]
    public double DecayFraction { get; init; } = 0.2;

    /// <summary>The rate at the last step, as a share of the highest rate (<c>cosine</c>, <c>wsd</c>).</summary>
    [Range(0.0, 1.0)]
    public double FinalFraction { get; init; } = 0.1;
}
