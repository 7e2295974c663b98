using Crosshead.Cli.Doctor;
using Crosshead.Compression.Fits;
using Crosshead.Compression.Search;
using Crosshead.Reports;
using Crosshead.Reports.Pages;

namespace Crosshead.Cli.Commands;

/// <summary>A profile as plots show it.</summary>
internal static class ProfilePlots
{
    private static readonly (string Label, bool OfKeys, CompressionMethod Method)[] Lines =
    [
        ("keys, fine", true, CompressionMethod.Fine), ("keys, svd", true, CompressionMethod.Svd),
        ("values, fine", false, CompressionMethod.Fine), ("values, svd", false, CompressionMethod.Svd),
    ];

    /// <summary>The page's content.</summary>
    public static ProfileReport Report(Profile profile, string model, string command) => new()
    {
        Model = model,
        Created = DateTimeOffset.Now,
        BaseLoss = profile.BaseLoss,
        ByLayer = [.. Lines.Select(l => new ProfileLine(l.Label,
            [.. profile.Layers.Select(layer => ((double)layer.Layer, AtHalf(profile, Part(layer, l.OfKeys), l.Method)?.LossIncrease ?? double.NaN))]))],
        ByShare = [.. Lines.Select(l => new ProfileLine(l.Label,
            [.. profile.Layers.SelectMany(layer => Part(layer, l.OfKeys)).Where(p => p.Method == l.Method).GroupBy(p => p.Numbers).OrderBy(g => g.Key)
                .Select(g => ((double)g.Key / (profile.Groups * profile.HeadDim), g.Average(p => p.LossIncrease)))]))],
        Provenance = new ReportProvenance
        {
            Command = command,
            Facts =
            [
                new("Weights", profile.Source.Model),
                new("Text", profile.Source.Text),
                new("Shape", $"{profile.LayerCount} layers, {profile.Groups} key/value heads of width {profile.HeadDim}"),
                ProvenanceFacts.Machine,
                ProvenanceFacts.Program,
            ],
        },
    };

    /// <summary>The piece nearest to half of what whole heads keep; null where the method was not tried.</summary>
    public static ProfiledPiece? AtHalf(Profile profile, IReadOnlyList<ProfiledPiece> pieces, CompressionMethod method) =>
        pieces.Where(p => p.Method == method).MinBy(p => Math.Abs((2 * p.Numbers) - (profile.Groups * profile.HeadDim)));

    private static IReadOnlyList<ProfiledPiece> Part(LayerProfile layer, bool ofKeys) => ofKeys ? layer.Keys : layer.Values;
}
