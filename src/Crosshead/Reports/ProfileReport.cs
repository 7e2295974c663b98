using Crosshead.Compression.Search;
using Crosshead.Reports.Pages;

namespace Crosshead.Reports;

/// <summary>How sensitive a model's loss is to the pieces of its cache: the content of a profile's page.</summary>
public sealed record ProfileReport
{
    /// <summary>What the model is called.</summary>
    public required string Model { get; init; }

    /// <summary>When the page was made.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>What was measured.</summary>
    public required Profile Profile { get; init; }

    /// <summary>How the numbers came about.</summary>
    public required ReportProvenance Provenance { get; init; }
}
