using Crosshead.Files;

namespace Crosshead.Data.Sources;

/// <summary>
/// Reads documents from text, JSONL and Parquet files, compressed or not, in order. The memory is bounded: the current
/// document and a buffer, or for Parquet the current pages.
/// </summary>
public sealed class DocumentReader
{
    private const int LargestWindowLog = 31;

    private readonly SourceOptions _options;
    private long _finishedBytes;
    private Func<long> _currentBytes = () => 0;

    /// <summary>Finds the files of the inputs; see <see cref="SourceFile.Find"/>.</summary>
    /// <param name="inputs">Files, folders and patterns.</param>
    /// <param name="options">How documents are found inside files.</param>
    /// <exception cref="CrossheadException">An input is missing or empty, or an option is out of range.</exception>
    public DocumentReader(IReadOnlyList<string> inputs, SourceOptions options)
    {
        options.Validate();
        _options = options;
        Files = SourceFile.Find(inputs);
        LeftOut = new long[Files.Count];
    }

    /// <summary>The files in the order they are read.</summary>
    public IReadOnlyList<SourceFile> Files { get; }

    /// <summary>The size of all files on the disk.</summary>
    public long TotalBytes => Files.Sum(file => file.Bytes);

    /// <summary>Number of bytes of <see cref="TotalBytes"/> that the current enumeration has read or skipped.</summary>
    public long BytesRead => _finishedBytes + _currentBytes();

    /// <summary>
    /// Number of rows without text (null, empty or only white space) that the current enumeration has left out. Plain
    /// text has no rows.
    /// </summary>
    public long RowsLeftOut => LeftOut.Sum();

    /// <summary>Number of rows left out, per file, counted from the beginning of the file.</summary>
    internal long[] LeftOut { get; }

    /// <summary>
    /// The documents from the given place on. Only one enumeration at a time counts for <see cref="BytesRead"/>.
    /// </summary>
    /// <param name="source">The file to begin in.</param>
    /// <param name="index">The document of that file to begin with.</param>
    /// <exception cref="CrossheadException">A file is not text, damaged, truncated, or lacks the field; the message
    /// says where.</exception>
    public IEnumerable<Document> Read(int source = 0, long index = 0)
    {
        _finishedBytes = Files.Take(source).Sum(file => file.Bytes);
        for (var current = source; current < Files.Count; current++)
        {
            var number = 0L;
            LeftOut[current] = 0;
            foreach (var text in Guard(Files[current], TextsOf(Files[current])))
            {
                if (string.IsNullOrWhiteSpace(text))
                {
                    LeftOut[current]++;
                    continue;
                }
                if (current > source || number >= index)
                    yield return new Document(text, current, number);
                number++;
            }
            _currentBytes = () => 0;
            _finishedBytes += Files[current].Bytes;
        }
    }

    private IEnumerable<string?> TextsOf(SourceFile file)
    {
        if (file.Format == SourceFormat.Parquet)
        {
            var fraction = 0.0;
            _currentBytes = () => (long)(fraction * file.Bytes);
            foreach (var text in ParquetDocuments.Read(file.Path, _options.Field, read => fraction = read))
                yield return text;
            yield break;
        }
        using var raw = new FileStream(file.Path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16,
            FileOptions.SequentialScan);
        var position = 0L;
        _currentBytes = () => Volatile.Read(ref position);
        using var stream = file.Compression switch
        {
            SourceCompression.Gzip => new CompleteGzipStream(raw),
            SourceCompression.Zstandard => Zstandard(raw),
            _ => (Stream)raw,
        };
        IEnumerable<string?> texts = file.Format == SourceFormat.JsonLines
            ? JsonLinesDocuments.Read(stream, file.Path, _options.Field)
            : TextDocuments.Read(stream, file.Path, _options.SplitOn);
        foreach (var text in texts)
        {
            Volatile.Write(ref position, raw.Position);
            yield return text;
        }
    }

    // With any window that the format allows: by default windows above 128 MiB are refused.
    private static ZstdSharp.DecompressionStream Zstandard(Stream compressed)
    {
        var stream = new ZstdSharp.DecompressionStream(compressed);
        stream.SetParameter(ZstdSharp.Unsafe.ZSTD_dParameter.ZSTD_d_windowLogMax, LargestWindowLog);
        return stream;
    }

    // An enumeration that reports damage in one line while it reads.
    private static IEnumerable<string?> Guard(SourceFile file, IEnumerable<string?> texts)
    {
        using var enumerator = texts.GetEnumerator();
        while (true)
        {
            try
            {
                if (!enumerator.MoveNext())
                    yield break;
            }
            catch (Exception e) when (e is InvalidDataException or EndOfStreamException or ZstdSharp.ZstdException)
            {
                throw new CrossheadException($"{file.Path} is damaged or truncated; get it again.", e);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new CrossheadException($"cannot read {file.Path}: {e.Reason()}; make it readable, or leave it "
                    + "out.", e);
            }
            yield return enumerator.Current;
        }
    }
}
