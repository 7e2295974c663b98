namespace Crosshead.Reports.Studies;

/// <summary>A variant of a study with all its learning rates.</summary>
public sealed record StudyReportVariant
{
    /// <summary>Name of the variant.</summary>
    public required string Name { get; init; }

    /// <summary>Its rates, from the smallest to the largest.</summary>
    public required IReadOnlyList<StudyReportRate> Rates { get; init; }

    /// <summary>Its runs.</summary>
    public required IReadOnlyList<StudyReportRun> Runs { get; init; }

    /// <summary>The rate that is chosen: the largest stable one; null where none is.</summary>
    public StudyReportRate? Chosen { get; init; }

    /// <summary>The rate with the lowest loss; null where none finished.</summary>
    public StudyReportRate? LowestLoss { get; init; }
}
