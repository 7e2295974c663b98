using System.Text.RegularExpressions;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Crosshead.Files;
using ParquetSharp;
using ParquetSharp.Arrow;

namespace Crosshead.Data.Sources;

/// <summary>
/// A Parquet file, read by Arrow a few rows at a time. The memory holds the current pages and one batch of rows,
/// however large the row groups are. Checksums of columns are compared if they exist.
/// </summary>
internal sealed partial class ParquetFile : IDisposable
{
    private const int BatchRows = 128;

    private readonly FileReader _reader;

    private ParquetFile(string path, FileReader reader)
    {
        (Path, _reader) = (path, reader);
        Columns = reader.Schema.FieldsList;
        Rows = reader.ParquetReader.FileMetaData.NumRows;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The columns in order; a nested column counts as one.</summary>
    public IReadOnlyList<Field> Columns { get; }

    /// <summary>Number of rows, according to the file.</summary>
    public long Rows { get; }

    /// <summary>Opens a file and reads its metadata.</summary>
    /// <exception cref="CrossheadException">It cannot be read, or it is damaged.</exception>
    public static ParquetFile Open(string path)
    {
        using (InputFile.OpenHandle(path))
        {
            // A file without read permission is reported like any other.
        }
        return Guard(path, () =>
        {
            using var reading = ReaderProperties.GetDefaultReaderProperties();
            reading.EnableBufferedStream();
            reading.EnablePageChecksumVerification();
            using var arrow = ArrowReaderProperties.GetDefault();
            (arrow.BatchSize, arrow.PreBuffer, arrow.UseThreads) = (BatchRows, false, false);
            var reader = new FileReader(path, reading, arrow);
            try
            {
                return new ParquetFile(path, reader);
            }
            catch
            {
                reader.Dispose();
                throw;
            }
        });
    }

    /// <summary>The rows in order, some at a time.</summary>
    /// <param name="row">Makes the result of a row from the columns and its index.</param>
    /// <param name="column">The column to read, which is not nested; null for all columns.</param>
    /// <exception cref="CrossheadException">The file is damaged, or uses a feature that cannot be read.</exception>
    public IEnumerable<T[]> Read<T>(Func<RecordBatch, int, T> row, string? column = null)
    {
        using var batches = Guard(Path,
            () => _reader.GetRecordBatchReader(null, column is null ? null : [LeafOf(column)]));
        while (Guard(Path, () => Next(batches, row)) is { } rows)
            yield return rows;
    }

    /// <inheritdoc/>
    public void Dispose() => _reader.Dispose();

    private static T[]? Next<T>(IArrowArrayStream batches, Func<RecordBatch, int, T> row)
    {
        using var batch = batches.ReadNextRecordBatchAsync().AsTask().GetAwaiter().GetResult();
        return batch is null ? null : [.. Enumerable.Range(0, batch.Length).Select(i => row(batch, i))];
    }

    // The file counts the innermost columns; names may contain dots.
    private int LeafOf(string column)
    {
        var leaves = _reader.ParquetReader.FileMetaData.Schema;
        return Enumerable.Range(0, leaves.NumColumns)
            .First(i => leaves.Column(i).Path.ToDotVector() is [var name] && name == column);
    }

    // Arrow throws ParquetException or Exception itself, and NotSupportedException for an unknown type. Values that do
    // not fit a .NET type throw other exceptions.
    private static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is not (CrossheadException or OutOfMemoryException))
        {
            throw Refusal(path, e);
        }
    }

    private static CrossheadException Refusal(string path, Exception e)
    {
        var told = Told().Match(e.Message.ReplaceLineEndings(" "));
        var (kind, reason) = (told.Groups["kind"].Value, told.Groups["reason"].Value.Trim().TrimEnd('.'));
        return new CrossheadException(
            e is DllNotFoundException or BadImageFormatException or TypeInitializationException
                ? $"{path} cannot be read: the native library for Parquet could not be loaded ({reason}); install "
                + $"Crosshead again, or convert the file to JSONL."
            : kind == "OutOfMemory" ? $"{path} needs more memory than there is ({reason}); write it with smaller "
            + $"pages, or use a machine with more."
            : kind == "NotImplemented" || e is NotSupportedException || Unsupported().IsMatch(reason)
            ? $"{path} uses a part of Parquet that is not supported ({reason}); write it again with the codec zstd or "
            + $"snappy and the plain encodings."
            : reason.Contains("encrypted", StringComparison.OrdinalIgnoreCase)
            ? $"{path} is encrypted ({reason}); write it without encryption."
            : $"{path} is not a whole Parquet file ({reason}); it is damaged or truncated, get it again.", e);
    }

    // "IOError: reason", or that within "type (message: '…')".
    [GeneratedRegex(@"\A(?:\S+ \(message: ')?(?:(?<kind>[A-Z]\w+): )?(?<reason>.*?)(?:'\))?\z")]
    private static partial Regex Told();

    [GeneratedRegex("not (yet )?(supported|implemented)", RegexOptions.IgnoreCase)]
    private static partial Regex Unsupported();
}
