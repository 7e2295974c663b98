using System.ComponentModel.DataAnnotations;

namespace Crosshead.Training.Recipes;

/// <summary>The learning rate's course, relative to its peak.</summary>
public sealed record ScheduleOptions
{
    /// <summary>The course after the warm-up.</summary>
    public ScheduleKind Kind { get; init; } = ScheduleKind.Cosine;

    /// <summary>
    /// Steps in which the rate rises in a straight line from 0 to its highest value. 0: none. Must be less than the
    /// run's steps.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int WarmupSteps { get; init; } = 100;

    /// <summary>Part of all steps in which the rate falls at the end (<c>wsd</c>).</summary>
    [Range(0.0, 1.0)]
    public double DecayFraction { get; init; } = 0.2;

    /// <summary>The rate at the last step, as a part of the highest rate (<c>cosine</c>, <c>wsd</c>).</summary>
    [Range(0.0, 1.0)]
    public double FinalFraction { get; init; } = 0.1;
}
