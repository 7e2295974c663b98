using System.Globalization;
using System.Xml.Linq;
using Crosshead.Reports;
using Crosshead.Reports.Pages;
using Crosshead.Reports.Studies;
using Crosshead.Tests.Reports.Studies;
using static Crosshead.Tests.Reports.Comparisons;

namespace Crosshead.Tests.Reports.Pages;

/// <summary>What makes the pages readable on a phone as on a desk.</summary>
public sealed class PageLayoutTests
{
    private static readonly ReportProvenance s_provenance = new() { Command = "crosshead profile model --text book.txt --out profile.json" };

    public static TheoryData<string> Pages => ["comparison", "evaluation", "profile", "study"];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_chart_is_drawn_for_wide_and_for_narrow_screens(string page)
    {
        var charts = Body(page).Descendants("svg").Where(s => Class(s) == "chart").ToArray();
        Assert.NotEmpty(charts);
        Assert.Equal(Enumerable.Repeat(new[] { "on-wide", "on-narrow" }, charts.Length / 2).SelectMany(c => c), charts.Select(c => Class(c.Parent!)));
        Assert.All(charts.Where(c => Class(c.Parent!) == "on-narrow"), c => Assert.StartsWith("0 0 390 ", c.Attribute("viewBox")!.Value, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void What_the_wide_drawing_names_at_its_colours_the_legend_of_the_narrow_one_names(string page)
    {
        var wide = Body(page).Descendants("div").Where(d => Class(d) == "on-wide").ToArray();
        Assert.Contains(wide, d => Labels(d).Length > 1);
        Assert.All(wide, d => Assert.Equal(Labels(d).Order(), d.ElementsAfterSelf().First().Descendants("li").Select(i => i.Value).Order()));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Everything_in_a_narrow_drawing_stands_within_it(string page)
    {
        foreach (var text in Body(page).Descendants("div").Where(d => Class(d) == "on-narrow").SelectMany(d => d.Descendants("text")).Where(t => t.Attribute("x") is not null))
        {
            var (x, room) = (double.Parse(text.Attribute("x")!.Value, CultureInfo.InvariantCulture), 7.5 * text.Value.Length);
            var from = (string?)text.Attribute("text-anchor") switch { "middle" => x - (room / 2), "end" => x - room, _ => x };
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
        Assert.Matches(@"@media screen and \(max-width: 720px\) \{\s*\.on-wide \{ display: none; \}\s*\.on-narrow \{ display: block; \}", style);
    }

    private static string[] Labels(XElement wide) => [.. wide.Descendants("g").Where(g => Class(g).StartsWith("label", StringComparison.Ordinal)).Select(g => g.Element("text")!.Value)];

    private static string Class(XElement element) => (string?)element.Attribute("class") ?? "";

    private static XElement Body(string page)
    {
        var html = Html(page);
        return XElement.Parse(html[html.IndexOf("<body>", StringComparison.Ordinal)..html.IndexOf("</html>", StringComparison.Ordinal)].Replace("<br>", "<br/>").Replace("&nbsp;", " "));
    }

    internal static string Html(string page) => page switch
    {
        "comparison" => ComparisonPage.Render(Report(Finished("gqa", 1e-3, 3.2), Stopped("gqa", 3e-3, 3.1, 2), Finished("mea", 1e-3, 3.3), Finished("mea", 3e-3, 3.0))),
        "evaluation" => EvaluationPage.Render(EvaluationPageTests.Two()),
        "profile" => ProfilePage.Render(new ProfileReport
        {
            Model = "model",
            Created = new DateTimeOffset(2026, 1, 2, 3, 4, 0, TimeSpan.Zero),
            BaseLoss = 1.5,
            ByLayer = [new("keys, svd", [(0, 0.2), (1, 0.9)]), new("keys, fine", [(0, 0.1), (1, 0.05)]), new("values, fine", [(0, 0.02), (1, 0.03)])],
            ByShare = [new("keys, fine", [(0.25, 0.4), (0.5, 0.1)]), new("values, fine", [(0.25, 0.3), (0.5, 0.02)])],
            Provenance = s_provenance,
        }),
        _ => StudyPage.Render(StudyPageTests.Report()),
    };
}
