using System.Text.RegularExpressions;
using System.Xml.Linq;
using Crosshead.Reports;
using Crosshead.Reports.Pages;
using Crosshead.Training.Studies;
using static Crosshead.Tests.Reports.Comparisons;

namespace Crosshead.Tests.Reports;

public sealed partial class ComparisonPageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("crosshead-report").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static ComparisonReport Full() => Report(Finished("gqa", 1e-3, 3.2), Finished("gqa", 3e-3, 3.1),
        Finished("mea", 1e-3, 3.3), Finished("mea", 3e-3, 3.0));

    [Fact]
    public void The_table_lists_the_runs_best_first()
    {
        var html = ComparisonPage.Render(Full());
        Assert.Contains(
            """<tr class="best"><th class="c0"><span class="swatch"></span>MEA</th><td>3e-3</td><td class="loss">3.000</td><td>20.1</td><td>2.900</td><td>400 k</td><td>990</td><td>2.91 M</td><td>0</td><td class="word">finished</td></tr>""",
            html, StringComparison.Ordinal);
        Assert.Equal(["3.000", "3.100", "3.200", "3.300"], LossCell().Matches(html).Select(m => m.Groups[1].Value));
    }

    [Fact]
    public void The_page_holds_every_part_in_order()
    {
        var html = ComparisonPage.Render(Full());
        string[] parts =
        [
            "<title>Variants compared</title>", "<p class=\"created\">2 January 2026, 03:04</p>",
            "<p class=\"headline\">MEA has the lowest", "<ol class=\"standings\">",
            "<h2>Held-out loss</h2>", "<svg class=\"chart\"", "<h2>Runs</h2>", "<h2>What they write</h2>",
            "<b>Gets the</b> value.",
            "<h2>How to reproduce</h2>", "<code>crosshead demo</code>", "<tr><th>Machine</th><td>2 cores</td></tr>",
            "{ &quot;steps&quot;: 40 }",
        ];
        var places = parts.Select(p => html.IndexOf(p, StringComparison.Ordinal)).ToArray();
        Assert.DoesNotContain(-1, places);
        Assert.Equal(places.Order(), places);
    }

    [Fact]
    public void The_page_asks_nothing_of_the_network()
    {
        var html = ComparisonPage.Render(Full());
        Assert.DoesNotMatch(@"(?i)<script|<link|<img|<iframe|@import|url\(|https?:|\bsrc=|\bhref=|\bon\w+=", html);
        Assert.Contains("default-src 'none'", html, StringComparison.Ordinal);
    }

    [Fact]
    public void All_text_is_encoded()
    {
        const string Bad = "<script>alert('x')</script>&\"";
        var report = Report(Finished("mea", 1e-3, 3.0) with { Name = Bad, Sample = new ReportSample(Bad, Bad) },
            Finished("gqa", 1e-3, 3.1)) with
        {
            Title = Bad,
            Provenance = new ReportProvenance { Command = Bad, Facts = [new(Bad, Bad)], Recipe = Bad },
        };
        var html = ComparisonPage.Render(report);
        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("{{", html, StringComparison.Ordinal);
        // Title twice, headline, standings, table, three in curves' labels and tooltips at least, sample, provenance.
        Assert.True(html.Split("&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&amp;&quot;").Length > 12);
        WellFormed(html);
    }

    [Fact]
    public void Template_marks_in_data_stay_text() =>
        Assert.Contains("{{ model.title }} {% raw %}",
            ComparisonPage.Render(Report() with { Title = "{{ model.title }} {% raw %}" }), StringComparison.Ordinal);

    [Fact]
    public void Interrupted_diverged_and_waiting_runs_are_shown_for_what_they_are()
    {
        var html = ComparisonPage.Render(Report(
            Finished("gqa", 1e-3, 3.2), Diverged("gqa", 3e-3), Stopped("mea", 1e-3, 3.0, 2),
            Finished("mea", 3e-3, 3) with
            {
                Points = [],
                FinalHeldOutLoss = null,
                TokensPerSecond = null,
                Status = RunStatus.Waiting,
                Sample = null,
            }));
        foreach (var status in new[] { "finished", "diverged", "stopped early", "not begun" })
            Assert.Contains($"<td class=\"word\">{status}</td>", html, StringComparison.Ordinal);
        Assert.Contains("<td class=\"loss\">–</td>", html, StringComparison.Ordinal);
        Assert.Contains("From 100 k to 200 k tokens, enlarged", html, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", html, StringComparison.Ordinal);
        Assert.Contains("MEA 1e-3, stopped early", html, StringComparison.Ordinal);
        Assert.Contains("<th>after 200 k tokens</th><th>held-out loss</th>", html, StringComparison.Ordinal);
        Assert.Contains("The table is sorted by the loss after 200 k tokens", html, StringComparison.Ordinal);
        Assert.Equal(["5.000", "5.200", "–", "–"], LossCell().Matches(html).Select(m => m.Groups[1].Value));
        Assert.DoesNotContain("<tr class=\"best\">", html, StringComparison.Ordinal); // unequal runs have no best one
        WellFormed(html);
    }

    [Fact]
    public void Without_runs_the_page_is_still_a_page()
    {
        var html = ComparisonPage.Render(Report());
        Assert.Contains("There is nothing to compare yet", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<svg", html, StringComparison.Ordinal);
        Assert.DoesNotContain("What they write", html, StringComparison.Ordinal);
        WellFormed(html);
    }

    [Fact]
    public void Writing_replaces_the_file_and_leaves_nothing_else()
    {
        var path = Path.Combine(_folder, "out", "report.html");
        ComparisonPage.Write(Report(), path);
        ComparisonPage.Write(Full(), path);
        Assert.Equal(ComparisonPage.Render(Full()), File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Fact]
    public void A_folder_in_the_way_is_told_in_one_line_and_nothing_is_left()
    {
        var path = Directory.CreateDirectory(Path.Combine(_folder, "report.html")).FullName;
        var error = Assert.Throws<CrossheadException>(() => ComparisonPage.Write(Report(), path));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Empty(Directory.GetFiles(_folder));
    }

    // Every element but the void ones is closed: with those closed too, the body is XML.
    private static void WellFormed(string html)
    {
        var body = html[
            html.IndexOf("<body>", StringComparison.Ordinal)..html.IndexOf("</html>", StringComparison.Ordinal)];
        Assert.NotNull(XDocument.Parse(body, LoadOptions.None).Root);
    }

    [GeneratedRegex("<td class=\"loss\">([^<]*)</td>")]
    private static partial Regex LossCell();
}
