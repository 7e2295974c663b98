using Crosshead.Reports;
using Crosshead.Reports.Pages;
using static Crosshead.Tests.Reports.Comparisons;

namespace Crosshead.Tests.Reports;

public sealed class CompressionPartTests
{
    private static string Render(params CompressedRun[] runs) =>
        ComparisonPage.Render(
        Report(Finished("gqa", 1e-3, 3.1), Finished("mea", 1e-3, 3.0)) with { Compressed = runs });

    [Fact]
    public void The_table_has_the_memory_and_the_loss_of_every_stage() => Assert.Contains(
        """<tr><th class="c0"><span class="swatch"></span>MEA</th><td>3e-3</td><td>2,048</td><td>1,024</td><td>3.000</td><td>3.400</td><td>3.100</td><td>3.012</td><td>512 k</td></tr>""",
        Render(Compressed("mea", 3.0, 3.4, 3.1, 3.012)), StringComparison.Ordinal);

    [Fact]
    public void The_section_stands_between_runs_and_samples_with_a_bar_and_a_sample_a_stage()
    {
        var html = Render(Compressed("mea", 3.0, 3.4, 3.1, 3.012), Compressed("gqa", 3.1, 3.3, 3.2, 3.15));
        string[] parts =
        [
            "<h2>Runs</h2>", "<h2>Half the cache</h2>", "<p class=\"lead\">With half its key/value cache MEA loses",
            "MEA, the paper&#x27;s method", "&#x2B;0.400", "MEA, by the profile", "MEA, recovered",
            "GQA, the paper&#x27;s method",
            "<h4>as trained</h4>", "the value.", "<h4>half the cache</h4>", "a value.", "<h4>recovered</h4>",
            "the values.", "<h2>What they write</h2>",
        ];
        var place = 0;
        foreach (var part in parts)
        {
            var next = html.IndexOf(part, place, StringComparison.Ordinal);
            Assert.True(next >= place, part);
            place = next;
        }
        Assert.Equal(2 * 6, html.Split("<rect ").Length - 1); // for wide and for narrow screens
    }

    [Fact]
    public void Interrupted_stages_are_dashes_with_the_reason_beside()
    {
        var html = Render(Compressed("mea", 3.0, 3.4, null, null) with
        {
            CacheBytesAfter = null,
            SampleAfter = null,
            Missing = "It was interrupted here.",
        });
        Assert.Contains("<td>2,048</td><td>–</td><td>3.000</td><td>3.400</td><td>–</td><td>–</td><td>–</td></tr>", html,
            StringComparison.Ordinal);
        Assert.Contains("<li>MEA: It was interrupted here.</li>", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<h4>recovered</h4>", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_compressed_models_there_is_no_section() =>
        Assert.DoesNotContain("Half the cache", Render(), StringComparison.Ordinal);

    [Fact]
    public void All_text_is_encoded()
    {
        const string Bad = "<script>";
        var html = Render(Compressed("mea", 3.0, 3.4, 3.1, 3.0) with
        {
            Name = Bad,
            SampleRecovered = new ReportSample(Bad, Bad),
            Missing = Bad,
        });
        Assert.DoesNotContain(Bad, html, StringComparison.Ordinal);
    }
}
