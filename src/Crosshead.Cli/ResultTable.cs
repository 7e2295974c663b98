using Spectre.Console;

namespace Crosshead.Cli;

/// <summary>A table of results: drawn on a screen, in Markdown's plain form in a file or pipe.</summary>
internal sealed class ResultTable
{
    private readonly List<string[]> _rows = [];
    private readonly string[] _headers;

    /// <summary>Begins a table. A header that ends with <c>&gt;</c> has its column set to the right, as numbers are.</summary>
    public ResultTable(params string[] headers) => _headers = headers;

    /// <summary>Adds a row, one cell a column.</summary>
    public ResultTable Row(params string[] cells)
    {
        _rows.Add(cells);
        return this;
    }

    /// <summary>Writes the table to standard output.</summary>
    public void Write(Terminal terminal)
    {
        if (terminal.OutIsScreen)
            Draw(terminal);
        else
            WritePlain(terminal);
    }

    private void Draw(Terminal terminal)
    {
        var table = new Table { Border = TableBorder.Rounded };
        foreach (var header in _headers)
            table.AddColumn(new TableColumn(new Text(Name(header))) { Alignment = IsNumber(header) ? Justify.Right : Justify.Left, NoWrap = IsNumber(header) });
        foreach (var row in _rows)
            table.AddRow(row.Select(cell => new Text(cell)));
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(terminal.Out) }).Write(table);
    }

    private void WritePlain(Terminal terminal)
    {
        var widths = _headers.Select((header, column) => _rows.Select(row => row[column].Length).Append(Name(header).Length).Append(2).Max()).ToArray();
        terminal.Out.WriteLine(Line(_headers.Select(Name)));
        terminal.Out.WriteLine(Line(_headers.Select((header, column) => IsNumber(header) ? new string('-', widths[column] - 1) + ":" : new string('-', widths[column]))));
        foreach (var row in _rows)
            terminal.Out.WriteLine(Line(row));

        string Line(IEnumerable<string> cells) =>
            "| " + string.Join(" | ", cells.Select((cell, column) => IsNumber(_headers[column]) ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column]))) + " |";
    }

    private static string Name(string header) => header.TrimEnd('>');

    private static bool IsNumber(string header) => header.EndsWith('>');
}
