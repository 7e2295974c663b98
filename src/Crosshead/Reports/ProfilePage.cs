using System.Globalization;
using Crosshead.Compression.Fits;
using Crosshead.Compression.Search;
using Crosshead.Reports.Charts;
using Crosshead.Reports.Pages;
using static Crosshead.Reports.Pages.ReportNumbers;

namespace Crosshead.Reports;

/// <summary>Makes the page of a profile: how much the loss rises with smaller keys or values of a layer.</summary>
public static class ProfilePage
{
    private static readonly (string Label, bool OfKeys, CompressionMethod Method)[] s_lines =
    [
        ("keys, fine", true, CompressionMethod.Fine), ("keys, svd", true, CompressionMethod.Svd),
        ("values, fine", false, CompressionMethod.Fine), ("values, svd", false, CompressionMethod.Svd),
    ];

    /// <summary>Returns the page as HTML.</summary>
    public static string Render(ProfileReport report) => ReportPage.Render(
        $"What {report.Model} keeps of each token, and what it is worth", report.Created, Sections(report));

    /// <summary>Writes the page to a file. The file is never half written.</summary>
    /// <exception cref="CrossheadException">The file cannot be written.</exception>
    public static void Write(ProfileReport report, string path) => ReportPage.Write(Render(report), path);

    private static IEnumerable<ReportSection> Sections(ProfileReport report)
    {
        yield return new ReportSection("", "verdict", new Dictionary<string, object?>
        {
            ["headline"] = Headline(report.Profile),
            ["remarks"] = Array.Empty<string>(),
            ["best"] = Array.Empty<object>(),
        });
        yield return Plot("Layer by layer, one piece halved", ByLayer(report.Profile), "layer",
            x => x.ToString("0", CultureInfo.InvariantCulture),
            $"Increase of the loss, {Loss(report.Profile.BaseLoss)} nats a token with the whole cache, when the keys "
                + $"or the values of one layer alone are halved. svd is the paper's fit, from weights alone; fine is "
                + $"calibrated on text.");
        yield return Plot("By the share that is kept, mean over the layers", ByShare(report.Profile),
            "share of the piece that is kept", x => x.ToString("P0", CultureInfo.InvariantCulture),
            "The same for every size that was measured. Where a line is flat, cache can be saved for nothing.");
        yield return report.Provenance.ToSection();
    }

    // Names the piece whose halving costs most with the calibrated fit.
    private static string Headline(Profile profile)
    {
        var pieces = ByLayer(profile).SelectMany(l => l.Points.Select(p => (l.Label, p.X, Increase: p.Y)))
            .OrderByDescending(p => p.Increase).ToArray();
        var worst = pieces.Where(p => p.Label.Contains("fine", StringComparison.Ordinal)).ToArray();
        return worst.Length == 0
            ? "Nothing was measured."
            : $"With the calibrated fit (fine), halving the {worst[0].Label.Split(',')[0]} of layer {worst[0].X:0} "
                + $"costs most, {Quantity.Change(worst[0].Increase)} nats a token; the median piece costs "
                + $"{Quantity.Change(worst[worst.Length / 2].Increase)}."
                + (pieces[0].Increase > worst[0].Increase
                    ? $" With the paper's fit (svd) a piece costs up to {Quantity.Change(pieces[0].Increase)}." : "");
    }

    // The increase of the loss by layer if one piece is halved.
    private static ChartSeries[] ByLayer(Profile profile) => [.. s_lines.Select((l, i) => new ChartSeries(l.Label, i, 0,
        [.. profile.Layers.Select(layer =>
            ((double)layer.Layer, profile.AtHalf(Part(layer, l.OfKeys), l.Method)?.LossIncrease ?? double.NaN))]))];

    // The mean increase of the loss by the share of a piece that is kept.
    private static ChartSeries[] ByShare(Profile profile) => [.. s_lines.Select((l, i) => new ChartSeries(l.Label, i, 0,
        [.. profile.Layers.SelectMany(layer => Part(layer, l.OfKeys)).Where(p => p.Method == l.Method)
            .GroupBy(p => p.Numbers).OrderBy(g => g.Key)
            .Select(g => ((double)g.Key / (profile.Groups * profile.HeadDim), g.Average(p => p.LossIncrease)))]))];

    private static IReadOnlyList<ProfiledPiece> Part(LayerProfile layer, bool ofKeys) =>
        ofKeys ? layer.Keys : layer.Values;

    private static ReportSection Plot(string heading, IReadOnlyList<ChartSeries> lines, string x,
        Func<double, string> format, string note) => new(heading, "plot", new Dictionary<string, object?>
        {
            ["note"] = note,
            ["chart"] = new LineChart
            {
                Title = heading,
                XTitle = x,
                YTitle = "increase of the loss, nats a token",
                XFormat = format,
                YFormat = Quantity.Change,
                Series = lines,
            }.ToHtml(),
        });
}
