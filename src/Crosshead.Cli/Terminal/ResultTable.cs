using Spectre.Console;

namespace Crosshead.Cli.Terminal;

/// <summary>
/// A table of results. A screen shows the table with borders. A file or pipe gets plain Markdown, where long text
/// continues in the next row.
/// </summary>
internal sealed class ResultTable
{
    private const int MostColumns = 120; // in a file or pipe; more only where a word or a number asks for it
    private const int LongestNumber = 24; // what is longer in a column of numbers is a phrase, and may be wrapped

    private readonly List<string[]> _rows = [];
    private readonly string[] _headers;

    /// <summary>
    /// Starts a table. A header that ends with <c>&gt;</c> aligns its column to the right, as for numbers.
    /// </summary>
    public ResultTable(params string[] headers) => _headers = headers;

    /// <summary>Adds a row with one cell per column.</summary>
    public ResultTable Row(params string[] cells)
    {
        _rows.Add(cells);
        return this;
    }

    /// <summary>Writes the table to standard output.</summary>
    public void Write(StandardStreams terminal)
    {
        foreach (var line in terminal.OutIsScreen ? Framed(terminal.Columns) : Plain())
            terminal.Out.WriteLine(line);
    }

    /// <summary>
    /// The lines for a screen. They are wider than the screen only where a word or a number asks for it: words are
    /// never cut.
    /// </summary>
    /// <param name="columns">Columns of the screen.</param>
    internal IEnumerable<string> Framed(int columns)
    {
        var widths = Widths(columns);
        yield return Rule('╭', '┬', '╮');
        foreach (var line in Lines([.. _headers.Select(Name)], widths)) yield return Line(line, widths, '│');
        yield return Rule('├', '┼', '┤');
        foreach (var line in _rows.SelectMany(row => Lines(row, widths))) yield return Line(line, widths, '│');
        yield return Rule('╰', '┴', '╯');

        string Rule(char left, char middle, char right) =>
            left + string.Join(middle, widths.Select(width => new string('─', width + 2))) + right;
    }

    private IEnumerable<string> Plain()
    {
        var widths = Widths(MostColumns);
        yield return Line([.. _headers.Select(Name)], widths, '|');
        yield return Line([.. _headers.Select((header, column) => IsNumber(header)
            ? new string('-', widths[column] - 1) + ":" : new string('-', widths[column]))], widths, '|');
        foreach (var line in _rows.SelectMany(row => Lines(row, widths))) yield return Line(line, widths, '|');
    }

    private string Line(string[] cells, int[] widths, char border) =>
        $"{border} " + string.Join($" {border} ", cells.Select((cell, column) =>
        {
            var space = new string(' ', Math.Max(0, widths[column] - cell.GetCellWidth()));
            return IsNumber(_headers[column]) ? space + cell : cell + space;
        })) + $" {border}";

    // The lines of a row: as many as its longest cell has.
    private static IEnumerable<string[]> Lines(string[] row, int[] widths)
    {
        var cells = row.Select((cell, column) => Wrapped(cell, widths[column])).ToArray();
        return Enumerable.Range(0, cells.Max(c => c.Count))
            .Select(line => cells.Select(c => line < c.Count ? c[line] : "").ToArray());
    }

    // Columns are as wide as their cells. If the table is too wide, the widest text is wrapped between words.
    private int[] Widths(int most)
    {
        var widths = Each(cell => cell.GetCellWidth());
        var least = Each(cell => cell.Split(' ').Max(word => word.GetCellWidth()), LongestNumber);
        for (var excess = widths.Sum() + (3 * widths.Length) + 1 - most; excess > 0; excess--)
        {
            var widest = Enumerable.Range(0, widths.Length).Where(c => widths[c] > least[c]).DefaultIfEmpty(-1)
                .MaxBy(c => c < 0 ? 0 : widths[c]);
            if (widest < 0) break;
            widths[widest]--;
        }
        return widths;

        // The widest of each column: its name, and its cells as measured. Numbers with their units stay whole.
        int[] Each(Func<string, int> measure, int whole = 0) => [.. _headers.Select((header, column) =>
            _rows.Select(row => row[column]).Select(cell => IsNumber(header) && cell.GetCellWidth() <= whole
                ? cell.GetCellWidth() : measure(cell)).Append(Name(header).GetCellWidth()).Append(2).Max())];
    }

    private static List<string> Wrapped(string cell, int width)
    {
        var lines = new List<string>();
        var line = cell;
        while (line.GetCellWidth() > width && Break(line, width) is > 0 and var at)
        {
            lines.Add(line[..at]);
            line = line[(at + 1)..];
        }
        lines.Add(line);
        return lines;
    }

    // The last space up to which the line fits, or -1.
    private static int Break(string line, int width)
    {
        var at = line.LastIndexOf(' ');
        while (at > 0 && line[..at].GetCellWidth() > width) at = line.LastIndexOf(' ', at - 1);
        return at;
    }

    private static string Name(string header) => header.TrimEnd('>');

    private static bool IsNumber(string header) => header.EndsWith('>');
}
