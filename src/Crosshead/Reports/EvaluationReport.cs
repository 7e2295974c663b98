using Crosshead.Reports.Pages;

namespace Crosshead.Reports;

/// <summary>Models beside each other on the same tasks: the content of an evaluation's page.</summary>
public sealed record EvaluationReport
{
    /// <summary>What the models are called; the others are compared with the first.</summary>
    public required IReadOnlyList<string> Models { get; init; }

    /// <summary>When the page was made.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>The tasks, by kind.</summary>
    public required IReadOnlyList<EvaluationGroup> Groups { get; init; }

    /// <summary>The mean over all tasks that are measured in percent; null where there is at most one.</summary>
    public required EvaluationRow? Mean { get; init; }

    /// <summary>What a reader must know of single tasks: another scorer than the paper's, contexts that were cut.</summary>
    public IReadOnlyList<string> Remarks { get; init; } = [];

    /// <summary>How the numbers came about.</summary>
    public required ReportProvenance Provenance { get; init; }
}
