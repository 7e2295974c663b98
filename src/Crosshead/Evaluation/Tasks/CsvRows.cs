using System.Text;
using Crosshead.Files;
using Fluid.Values;
using Sylvan.Data.Csv;

namespace Crosshead.Evaluation.Tasks;

/// <summary>
/// Reads rows from CSV. Quoted texts may contain line ends. The first line names the columns, unless the task does.
/// </summary>
internal static class CsvRows
{
    private const int LongestRow = 64 << 20;

    /// <summary>The rows in order; every value is a text.</summary>
    public static IEnumerable<TaskRow> Read(string path, IReadOnlyList<string> columns)
    {
        using var text = new StreamReader(TextFile.Open(path, out _),
            new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true),
            detectEncodingFromByteOrderMarks: false);
        var options = new CsvDataReaderOptions
        {
            HasHeaders = false,
            Delimiter = Path.GetExtension(path).Equals(".tsv", StringComparison.OrdinalIgnoreCase) ? '\t' : ',',
            ResultSetMode = ResultSetMode.SingleResult,
            MaxBufferSize = LongestRow,
        };
        using var reader = Guard(path, 1, () => CsvDataReader.Create(text, options));
        var names = columns;
        for (var number = 1L; Guard(path, number, reader.Read); number++)
        {
            var cells = Guard(path, number, () => Cells(reader));
            if (cells is [""]) continue;
            if (names.Count == 0)
            {
                names = Header(cells, path);
                continue;
            }
            if (cells.Length != names.Count)
                throw new CrossheadException($"{path}, row {number}: it has {cells.Length} columns, but {names.Count} "
                    + $"are expected ({string.Join(", ", names).Shown()}); repair or remove it.");
            var values = new Dictionary<string, FluidValue>(StringComparer.Ordinal);
            for (var i = 0; i < cells.Length; i++) values[names[i]] = new StringValue(cells[i]);
            yield return new(path, "row", number, values);
        }
    }

    private static string[] Cells(CsvDataReader reader)
    {
        var cells = new string[reader.RowFieldCount];
        for (var i = 0; i < cells.Length; i++) cells[i] = reader.GetString(i);
        return cells;
    }

    private static string[] Header(string[] cells, string path) =>
        cells.GroupBy(c => c).FirstOrDefault(g => g.Count() > 1) is { } twice
            ? throw new CrossheadException($"{path}: two columns are called \"{twice.Key.Shown()}\"; rename one.")
            : cells;

    private static T Guard<T>(string path, long row, Func<T> read)
    {
        try
        {
            var value = read();
            return value is string[] cells && cells.Any(c => c.Contains('\0'))
                ? throw new InvalidDataException("it holds a NUL character") : value;
        }
        catch (Exception e) when (e is CsvFormatException or CsvRecordTooLargeException or DecoderFallbackException
            or FormatException or InvalidDataException)
        {
            throw new CrossheadException(
                $"{path}, row {row}: it is not valid CSV in UTF-8 ({e.Reason()}); repair the file or get it again.", e);
        }
    }
}
