using Crosshead.Evaluation.Results;
using Crosshead.Reports.Pages;

namespace Crosshead.Reports;

/// <summary>The content of an evaluation's page.</summary>
/// <param name="Comparison">The models beside each other.</param>
/// <param name="Created">When the page was made.</param>
/// <param name="Provenance">How the numbers came about.</param>
public sealed record EvaluationReport(Comparison Comparison, DateTimeOffset Created, ReportProvenance Provenance);
