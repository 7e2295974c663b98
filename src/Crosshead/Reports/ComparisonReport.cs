using Crosshead.Reports.Pages;

namespace Crosshead.Reports;

/// <summary>What a comparison of variants measured, and how it came about: the content of <c>report.html</c>.</summary>
public sealed record ComparisonReport
{
    /// <summary>The page's title.</summary>
    public required string Title { get; init; }

    /// <summary>When the report was made.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>
    /// The <see cref="ComparisonRun.Variant"/> that the comparison is about: the verdict says whether it won.
    /// </summary>
    public string Subject { get; init; } = "mea";

    /// <summary>
    /// All runs, begun or not; of any variant the first tells its name, and the first variant that is not the subject
    /// is the baseline.
    /// </summary>
    public required IReadOnlyList<ComparisonRun> Runs { get; init; }

    /// <summary>Trained models whose cache was halved; empty where none was.</summary>
    public IReadOnlyList<CompressedRun> Compressed { get; init; } = [];

    /// <summary>
    /// What else a reader should know, a sentence each: why the runs are as short as they are, what was left out.
    /// </summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>How the numbers came about.</summary>
    public required ReportProvenance Provenance { get; init; }
}
