using Crosshead.Reports.Pages;
using Crosshead.Training.Studies;

namespace Crosshead.Reports.Studies;

/// <summary>What a study of learning rates measured, and how it came about: the content of its page.</summary>
public sealed record StudyReport
{
    /// <summary>When the page was made.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>Optimizer steps of each run.</summary>
    public required long Steps { get; init; }

    /// <summary>The variants in the order asked for.</summary>
    public required IReadOnlyList<RateChoice> Variants { get; init; }

    /// <summary>The variant that is drawn in the accent colour.</summary>
    public string Subject { get; init; } = "mea";

    /// <summary>What makes a rate stable and how one is chosen, in a sentence or two.</summary>
    public required string Rule { get; init; }

    /// <summary>How the numbers came about.</summary>
    public required ReportProvenance Provenance { get; init; }

    /// <summary>All runs.</summary>
    internal IEnumerable<StudyRun> Runs => Variants.SelectMany(v => v.Runs);

    /// <summary>Whether there is more than one seed.</summary>
    internal bool Seeds => Runs.Select(r => r.Seed).Distinct().Count() > 1;

    /// <summary>The index of a variant's colour: 0, the accent, for the subject.</summary>
    internal int ColorOf(string variant) => variant == Subject ? 0
        : 1 + (Variants.Select(v => v.Variant).Where(n => n != Subject).ToList()
            .IndexOf(variant) % ComparisonCurves.Colors);
}
