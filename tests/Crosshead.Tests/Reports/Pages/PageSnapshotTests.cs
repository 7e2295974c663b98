using Crosshead.Reports;
using Crosshead.Tests.Architecture;
using static Crosshead.Tests.Reports.Comparisons;

namespace Crosshead.Tests.Reports.Pages;

/// <summary>The whole body of every page, of fixed input.</summary>
public sealed class PageSnapshotTests
{
    [Theory]
    [InlineData("comparison")]
    [InlineData("compression")]
    [InlineData("evaluation")]
    [InlineData("profile")]
    [InlineData("study")]
    public void A_page_of_fixed_input_is_the_same_as_ever(string page)
    {
        var html = page == "compression"
            ? ComparisonPage.Render(Report(Finished("gqa", 1e-3, 3.1), Diverged("mea", 1e-3)) with
            {
                Compressed = [Compressed("mea", 3.0, 3.4, 3.1, 2.987), Compressed("gqa", 3.1, null, 3.2, null)],
            })
            : PageLayoutTests.Html(page);
        Snapshot.Match($"{page}.html", html[html.IndexOf("<body>", StringComparison.Ordinal)..]);
    }
}
