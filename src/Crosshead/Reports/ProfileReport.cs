using Crosshead.Reports.Pages;

namespace Crosshead.Reports;

/// <summary>How sensitive a model's loss is to the pieces of its cache: the content of a profile's page.</summary>
public sealed record ProfileReport
{
    /// <summary>What the model is called.</summary>
    public required string Model { get; init; }

    /// <summary>When the page was made.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>Loss with the whole cache, in nats a token.</summary>
    public required double BaseLoss { get; init; }

    /// <summary>The increase layer by layer, of one piece halved.</summary>
    public required IReadOnlyList<ProfileLine> ByLayer { get; init; }

    /// <summary>The increase by the share of a piece that is kept, mean over the layers.</summary>
    public required IReadOnlyList<ProfileLine> ByShare { get; init; }

    /// <summary>How the numbers came about.</summary>
    public required ReportProvenance Provenance { get; init; }
}
