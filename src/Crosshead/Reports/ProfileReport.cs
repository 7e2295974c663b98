using Crosshead.Compression.Search;
using Crosshead.Reports.Pages;

namespace Crosshead.Reports;

/// <summary>The content of a profile's page: how sensitive a model's loss is to each piece of its cache.</summary>
public sealed record ProfileReport
{
    /// <summary>Name of the model.</summary>
    public required string Model { get; init; }

    /// <summary>When the page was made.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>The measured profile.</summary>
    public required Profile Profile { get; init; }

    /// <summary>How to get the same numbers again.</summary>
    public required ReportProvenance Provenance { get; init; }
}
