using Crosshead.Reports.Pages;

namespace Crosshead.Reports.Serving;

/// <summary>A load test of a server.</summary>
/// <param name="Model">The name of the model.</param>
/// <param name="Setting">What was sent, in one sentence.</param>
/// <param name="Remarks">Limits of the results, one sentence each.</param>
/// <param name="Cases">The cases, with rising load.</param>
/// <param name="Created">When the test ended.</param>
/// <param name="Provenance">How to repeat the test.</param>
public sealed record ServingReport(string Model, string Setting, IReadOnlyList<string> Remarks,
    IReadOnlyList<ServingCase> Cases, DateTimeOffset Created, ReportProvenance Provenance);
