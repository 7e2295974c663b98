using System.ComponentModel.DataAnnotations;

namespace Crosshead.Training;

/// <summary>The learning rate's course, relative to its peak.</summary>
public sealed record ScheduleOptions
{
    /// <summary>The course after the warm-up.</summary>
    public ScheduleKind Kind { get; init; } = ScheduleKind.Cosine;

    /// <summary>Steps over which the rate rises linearly to its peak; 0 for none.</summary>
    [Range(0, int.MaxValue)]
    public int WarmupSteps { get; init; } = 100;

    /// <summary>Part of all steps over which a <c>wsd</c> schedule decays, 0 to 1.</summary>
    [Range(0.0, 1.0)]
    public double DecayFraction { get; init; } = 0.2;

    /// <summary>The rate at the last step as a fraction of the peak (<c>cosine</c>, <c>wsd</c>), 0 to 1.</summary>
    [Range(0.0, 1.0)]
    public double FinalFraction { get; init; } = 0.1;
}
