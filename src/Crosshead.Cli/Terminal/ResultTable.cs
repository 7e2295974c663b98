using Spectre.Console;

namespace Crosshead.Cli.Terminal;

/// <summary>
/// A table of results. A screen shows the table with borders. A file or pipe gets plain Markdown, where long text
/// continues in the next row.
/// </summary>
internal sealed class ResultTable
{
    private const int MostColumns = 120; // in a file or pipe; more only where a word or a number asks for it

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
        if (terminal.OutIsScreen)
            Draw(terminal);
        else
            WritePlain(terminal);
    }

    private void Draw(StandardStreams terminal)
    {
        var table = new Table { Border = TableBorder.Rounded };
        foreach (var header in _headers)
            table.AddColumn(new TableColumn(new Spectre.Console.Text(Name(header)))
            {
                Alignment = IsNumber(header) ? Justify.Right : Justify.Left,
                NoWrap = IsNumber(header),
            });
        foreach (var row in _rows)
            table.AddRow(row.Select(cell => new Spectre.Console.Text(cell)));
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(terminal.Out) }).Write(table);
    }

    private void WritePlain(StandardStreams terminal)
    {
        var widths = Widths();
        terminal.Out.WriteLine(Line(_headers.Select(Name)));
        terminal.Out.WriteLine(Line(_headers.Select((header, column) => IsNumber(header)
            ? new string('-', widths[column] - 1) + ":" : new string('-', widths[column]))));
        foreach (var row in _rows)
        {
            var cells = row.Select((cell, column) => Wrapped(cell, widths[column])).ToArray();
            for (var line = 0; line < cells.Max(c => c.Count); line++)
                terminal.Out.WriteLine(Line(cells.Select(c => line < c.Count ? c[line] : "")));
        }

        string Line(IEnumerable<string> cells) =>
            "| " + string.Join(" | ", cells.Select((cell, column) => IsNumber(_headers[column])
                ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column]))) + " |";
    }

    // Columns are as wide as their cells. If the table is too wide, the widest text is wrapped between words.
    private int[] Widths()
    {
        var widths = _headers.Select((header, column) => _rows.Select(row => row[column].Length)
            .Append(Name(header).Length).Append(2).Max()).ToArray();
        var least = _headers.Select((header, column) => IsNumber(header) ? widths[column]
            : _rows.SelectMany(row => row[column].Split(' ')).Select(word => word.Length).Append(Name(header).Length)
                .Append(2).Max()).ToArray();
        for (var excess = widths.Sum() + (3 * widths.Length) + 1 - MostColumns; excess > 0; excess--)
        {
            var widest = Enumerable.Range(0, widths.Length).Where(c => widths[c] > least[c]).DefaultIfEmpty(-1)
                .MaxBy(c => c < 0 ? 0 : widths[c]);
            if (widest < 0) break;
            widths[widest]--;
        }
        return widths;
    }

    private static List<string> Wrapped(string cell, int width)
    {
        var lines = new List<string>();
        var line = cell;
        while (line.Length > width && line.LastIndexOf(' ', width) is > 0 and var at)
        {
            lines.Add(line[..at]);
            line = line[(at + 1)..];
        }
        lines.Add(line);
        return lines;
    }

    private static string Name(string header) => header.TrimEnd('>');

    private static bool IsNumber(string header) => header.EndsWith('>');
}
