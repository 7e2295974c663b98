using Crosshead.Evaluation.Results;
using Crosshead.Reports.Pages;

namespace Crosshead.Reports;

/// <summary>The content of an evaluation's page.</summary>
/// <param name="Comparison">The scores of the models, side by side.</param>
/// <param name="Created">When the page was made.</param>
/// <param name="Provenance">How to get the same numbers again.</param>
public sealed record EvaluationReport(Comparison Comparison, DateTimeOffset Created, ReportProvenance Provenance);
