using Crosshead.Reports.Pages;

namespace Crosshead.Reports;

/// <summary>The content of <c>report.html</c>: the runs of a comparison of variants and how to repeat them.</summary>
public sealed record ComparisonReport
{
    /// <summary>The page's title.</summary>
    public required string Title { get; init; }

    /// <summary>When the report was made.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>
    /// The <see cref="ComparisonRun.Variant"/> that is compared with the others. The verdict says whether this variant
    /// won.
    /// </summary>
    public string Subject { get; init; } = "mea";

    /// <summary>
    /// All runs, including those not begun. The first run of a variant gives the variant's name. The first variant
    /// with a result, other than the subject, is the baseline.
    /// </summary>
    public required IReadOnlyList<ComparisonRun> Runs { get; init; }

    /// <summary>Trained models with a halved cache; empty if there are none.</summary>
    public IReadOnlyList<CompressedRun> Compressed { get; init; } = [];

    /// <summary>
    /// Further remarks for the reader, one sentence each: for example, why the runs are short or what was left out.
    /// </summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>How to get the same numbers again.</summary>
    public required ReportProvenance Provenance { get; init; }
}
