using Crosshead.Reports.Pages;
using Crosshead.Training.Studies;

namespace Crosshead.Reports.Studies;

/// <summary>The content of a study's page: the runs of a study of learning rates and how to repeat them.</summary>
public sealed record StudyReport
{
    /// <summary>When the page was made.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>Number of optimizer steps of each run.</summary>
    public required long Steps { get; init; }

    /// <summary>The variants in the order in which the page shows them.</summary>
    public required IReadOnlyList<RateChoice> Variants { get; init; }

    /// <summary>The variant that is drawn in the accent colour.</summary>
    public string Subject { get; init; } = "mea";

    /// <summary>One or two sentences that say when a learning rate is stable and how a rate is chosen.</summary>
    public required string Rule { get; init; }

    /// <summary>Whether the chosen rate is that of the lowest loss, and not the largest stable one.</summary>
    public bool OfLowestLoss { get; init; }

    /// <summary>What is chosen, in words.</summary>
    internal string Choice => OfLowestLoss ? "best learning rate" : "largest stable learning rate";

    /// <summary>How to get the same numbers again.</summary>
    public required ReportProvenance Provenance { get; init; }

    /// <summary>The runs of all variants.</summary>
    internal IEnumerable<StudyRun> Runs => Variants.SelectMany(v => v.Runs);

    /// <summary>Whether the runs have more than one seed.</summary>
    internal bool Seeds => Runs.Select(r => r.Seed).Distinct().Count() > 1;

    /// <summary>Returns the index of a variant's colour: 0, the accent, for the subject.</summary>
    internal int ColorOf(string variant) => variant == Subject ? 0
        : 1 + (Variants.Select(v => v.Variant).Where(n => n != Subject).ToList()
            .IndexOf(variant) % ComparisonCurves.Colors);
}
