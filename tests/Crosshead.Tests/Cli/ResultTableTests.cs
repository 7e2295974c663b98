using Crosshead.Cli.Terminal;

namespace Crosshead.Tests.Cli;

public sealed class ResultTableTests
{
    [Fact]
    public void A_narrow_table_has_a_line_a_row() => Assert.Equal(
        "| name | count |\n| ---- | ----: |\n| a    |     1 |\n| bb   |    22 |\n",
        Written(new ResultTable("name", "count>").Row("a", "1").Row("bb", "22")));

    [Fact]
    public void Long_text_goes_on_in_the_next_row_and_loses_no_word()
    {
        var words = string.Join(' ', Enumerable.Range(0, 60).Select(i => $"word{i}"));
        var lines = Written(new ResultTable("name", "text", "count>").Row("a", words, "1").Row("b", "short", "2"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines, line => Assert.Equal(120, line.Length));
        Assert.All(lines, line => Assert.Equal(4, line.Count(c => c == '|')));
        var rows = lines.Skip(2).Select(line => line.Split('|', StringSplitOptions.TrimEntries)).ToArray();
        Assert.Equal(["a", "", "b"], rows.Select(r => r[1]).Distinct());
        Assert.Equal(words, string.Join(' ', rows.Where(r => r[1] is not "b").Select(r => r[2])));
        Assert.Equal("1", rows[0][3]);
    }

    [Fact]
    public void A_word_or_a_number_that_asks_for_more_is_not_cut()
    {
        var address = "https://example.org/" + new string('x', 130);
        Assert.Contains(address, Written(new ResultTable("name", "where").Row("a", address)));
    }

    [Fact]
    public void The_list_of_tasks_can_be_read_in_a_pipe()
    {
        var list = CliRun.Of("eval", "--list");
        Assert.Equal(0, list.ExitCode);
        Assert.All(list.Out.Split('\n').Where(line => line.StartsWith('|')),
            line => Assert.InRange(line.Length, 1, 120));
        Assert.Contains("| arc_easy ", list.Out);
    }

    [Fact]
    public void A_screen_gets_a_frame() => Assert.Equal(
        [
            "╭──────┬───────╮", "│ name │ count │", "├──────┼───────┤", "│ a    │     1 │", "│ 日本 │    22 │",
            "╰──────┴───────╯",
        ],
        new ResultTable("name", "count>").Row("a", "1").Row("日本", "22").Framed(80));

    // The names stood one letter below the other: a phrase among the numbers took all columns of the screen.
    [Theory]
    [InlineData(80)]
    [InlineData(60)]
    [InlineData(40)]
    public void A_narrow_screen_wraps_phrases_and_cuts_no_word(int columns)
    {
        const string phrase = "keys by frequency in all layers, values by dense in all layers";
        var lines = new ResultTable("property", "value>").Row("feed-forward size", "96").Row("composition", phrase)
            .Row("cache a token", "12.5 KiB of 1.2 MiB").Framed(columns).ToArray();
        Assert.All(lines, line => Assert.InRange(line.Length, 1, columns));
        var cells = lines.Where(line => line[0] == '│')
            .Select(line => line.Split('│', StringSplitOptions.TrimEntries)).ToArray();
        Assert.Equal("property feed-forward size composition cache a token",
            string.Join(' ', cells.Select(c => c[1]).Where(c => c.Length > 0)));
        Assert.Equal($"value 96 {phrase} 12.5 KiB of 1.2 MiB",
            string.Join(' ', cells.Select(c => c[2]).Where(c => c.Length > 0)));
        Assert.Contains(cells, c => c[2] == "12.5 KiB of 1.2 MiB");
    }

    private static string Written(ResultTable table)
    {
        using var output = new StringWriter();
        table.Write(new StandardStreams(output, TextWriter.Null));
        return output.ToString().ReplaceLineEndings("\n");
    }
}
