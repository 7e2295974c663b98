using System.Globalization;
using System.Xml.Linq;
using Crosshead.Compression.Fits;
using Crosshead.Compression.Search;
using Crosshead.Reports;
using Crosshead.Reports.Pages;
using Crosshead.Reports.Studies;
using Crosshead.Tests.Reports.Studies;
using static Crosshead.Tests.Reports.Comparisons;

namespace Crosshead.Tests.Reports.Pages;

/// <summary>What makes the pages readable on a phone as on a desk.</summary>
public sealed class PageLayoutTests
{
    private static readonly ReportProvenance s_provenance =
        new() { Command = "crosshead profile model --text book.txt --out profile.json" };

    // Half of what whole heads keep is 16 numbers; the paper's fit was tried for keys alone.
    private static readonly Profile s_profile = new()
    {
        Source = new("weights", "text"),
        Groups = 4,
        HeadDim = 8,
        LayerCount = 2,
        BaseLoss = 1.5,
        Layers =
        [
            new(0, [new(CompressionMethod.Svd, 2, 16, 0.2), new(CompressionMethod.Fine, 1, 8, 0.3),
                new(CompressionMethod.Fine, 2, 16, 0.1)],
                [new(CompressionMethod.Fine, 8, 8, 0.2), new(CompressionMethod.Fine, 16, 16, 0.02)]),
            new(1, [new(CompressionMethod.Svd, 2, 16, 0.9), new(CompressionMethod.Fine, 1, 8, 0.5),
                new(CompressionMethod.Fine, 2, 16, 0.05)],
                [new(CompressionMethod.Fine, 8, 8, 0.4), new(CompressionMethod.Fine, 16, 16, 0.03)]),
        ],
    };

    public static TheoryData<string> Pages => ["comparison", "evaluation", "profile", "study"];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_chart_is_drawn_for_wide_and_for_narrow_screens(string page)
    {
        var charts = Body(page).Descendants("svg").Where(s => Class(s) == "chart").ToArray();
        Assert.NotEmpty(charts);
        Assert.Equal(Enumerable.Repeat(new[] { "on-wide", "on-narrow" }, charts.Length / 2).SelectMany(c => c),
            charts.Select(c => Class(c.Parent!)));
        Assert.All(charts.Where(c => Class(c.Parent!) == "on-narrow"),
            c => Assert.StartsWith("0 0 390 ", c.Attribute("viewBox")!.Value, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void What_the_wide_drawing_names_at_its_colours_the_legend_of_the_narrow_one_names(string page)
    {
        var wide = Body(page).Descendants("div").Where(d => Class(d) == "on-wide").ToArray();
        Assert.Contains(wide, d => Labels(d).Length > 1);
        Assert.All(wide, d => Assert.Equal(Labels(d).Order(),
            d.ElementsAfterSelf().First().Descendants("li").Select(i => i.Value).Order()));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Everything_in_a_narrow_drawing_stands_within_it(string page)
    {
        foreach (var text in Body(page).Descendants("div").Where(d => Class(d) == "on-narrow")
            .SelectMany(d => d.Descendants("text")).Where(t => t.Attribute("x") is not null))
        {
            var (x, room) = (double.Parse(text.Attribute("x")!.Value, CultureInfo.InvariantCulture),
                7.5 * text.Value.Length);
            var from =
                (string?)text.Attribute("text-anchor") switch { "middle" => x - (room / 2), "end" => x - room, _ => x };
            Assert.True(from > -8 && from + room < 398, $"\"{text.Value}\" reaches from {from} to {from + room}");
        }
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Wide_tables_scroll_by_themselves_and_say_so(string page) =>
        Assert.All(Body(page).Descendants("table").Where(t => Class(t) != "facts"), t =>
        {
            Assert.Equal("wide", Class(t.Parent!));
            Assert.Equal("0", (string?)t.Parent!.Attribute("tabindex")); // by keyboard too
        });

    [Fact]
    public void The_command_to_reproduce_wraps()
    {
        var style = Html("profile");
        Assert.Matches(@"\npre \{[^}]*white-space: pre-wrap; overflow-wrap: anywhere;", style);
        Assert.Matches(@"@media screen and \(max-width: 720px\) \{\s*\.on-wide \{ display: none; \}\s*\.on-narrow \{ "
            + @"display: block; \}", style);
    }

    private static string[] Labels(XElement wide) => [.. wide.Descendants("g")
        .Where(g => Class(g).StartsWith("label", StringComparison.Ordinal)).Select(g => g.Element("text")!.Value)];

    private static string Class(XElement element) => (string?)element.Attribute("class") ?? "";

    private static XElement Body(string page)
    {
        var html = Html(page);
        return XElement.Parse(html[html.IndexOf("<body>", StringComparison.Ordinal)..html.IndexOf("</html>",
            StringComparison.Ordinal)].Replace("<br>", "<br/>").Replace("&nbsp;", " "));
    }

    internal static string Html(string page) => page switch
    {
        "comparison" => ComparisonPage.Render(Report(Finished("gqa", 1e-3, 3.2), Stopped("gqa", 3e-3, 3.1, 2),
            Finished("mea", 1e-3, 3.3), Finished("mea", 3e-3, 3.0))),
        "evaluation" => EvaluationPage.Render(EvaluationPageTests.Two()),
        "profile" => ProfilePage.Render(new ProfileReport
        {
            Model = "model",
            Created = new DateTimeOffset(2026, 1, 2, 3, 4, 0, TimeSpan.Zero),
            Profile = s_profile,
            Provenance = s_provenance,
        }),
        _ => StudyPage.Render(StudyPageTests.Report()),
    };
}
