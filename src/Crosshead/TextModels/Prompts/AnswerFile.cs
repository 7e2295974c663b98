using Crosshead.Data.Shards;
using Crosshead.Data.Sources;

namespace Crosshead.TextModels.Prompts;

/// <summary>
/// The answers to a file of prompts, one line each, in the order of the prompts. While it is not complete, a file
/// beside it says what the answers depend on; an interrupted run goes on after its last whole line.
/// </summary>
internal sealed class AnswerFile : IDisposable
{
    private const int LongestLine = 1 << 30;
    private readonly string _path;
    private readonly FileStream _stream;
    private SourceLines? _earlier; // while the answers of the interrupted run are being read

    private AnswerFile(string path, AnswerSettings settings, FileStream stream) =>
        (_path, Settings, _stream, Earlier) = (path, settings, stream, WholeLines(stream));

    /// <summary>What the answers depend on.</summary>
    public AnswerSettings Settings { get; }

    /// <summary>Number of answers that an interrupted run has left.</summary>
    public long Earlier { get; }

    /// <summary>The file beside it while it is not complete.</summary>
    public static string StateOf(string path) => path + ".unfinished.json";

    /// <summary>Begins a file, or goes on with an unfinished one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="settings">What the answers depend on.</param>
    /// <param name="hasSeed">Whether the seed was named; otherwise that of the unfinished file is used.</param>
    /// <param name="overwrite">Whether an existing file is replaced.</param>
    /// <exception cref="CrossheadException">The file is complete, or holds answers of other settings, or cannot be
    /// written.</exception>
    public static AnswerFile Open(string path, AnswerSettings settings, bool hasSeed, bool overwrite)
    {
        var state = StateOf(path);
        var goesOn = !overwrite && File.Exists(state);
        if (goesOn)
        {
            var found = DataJson.Read<AnswerSettings>(state, $"remove it, or use {MessageTerm.Overwrite}.");
            if (settings.DifferenceFrom(found, hasSeed) is { } difference)
                throw new CrossheadException($"\"{path}\" holds answers of another run that was interrupted: "
                    + $"{difference}; use {MessageTerm.Overwrite} or another file.");
            settings = found;
        }
        else if (!overwrite && File.Exists(path))
        {
            throw new CrossheadException(
                $"\"{path}\" exists already; use {MessageTerm.Overwrite} or another file.");
        }
        FileStream? stream = null;
        var isNew = !File.Exists(path);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            if (!goesOn)
            {
                DataJson.Write(state, settings);
                stream.SetLength(0);
            }
            return new AnswerFile(path, settings, stream);
        }
        catch (Exception e)
        {
            stream?.Dispose();
            if (isNew && stream is not null) File.Delete(path);
            if (e is IOException or UnauthorizedAccessException) throw NotWritten(path, e);
            throw;
        }
    }

    /// <summary>
    /// Checks that the next answer of the interrupted run belongs to a prompt; asked for each before the first
    /// <see cref="Add"/>.
    /// </summary>
    /// <exception cref="CrossheadException">It belongs to another one.</exception>
    public void Match(PromptLine prompt, string prompts)
    {
        _earlier ??= new SourceLines(_stream, _path, LongestLine, cutLongLines: false);
        var head = prompt.Head.Span;
        if (_earlier.TryRead(out var line) && line.StartsWith(head) && line[head.Length..].StartsWith((byte)','))
            return;
        throw new CrossheadException($"\"{_path}\", line {prompt.Index + 1}, is no answer to line {prompt.Index + 1} "
            + $"of {prompts}; name the same prompts, use {MessageTerm.Overwrite}, or name another file.");
    }

    /// <summary>Adds an answer, which survives the end of this process.</summary>
    /// <exception cref="CrossheadException">The disk is full.</exception>
    public void Add(ReadOnlySpan<byte> line)
    {
        try
        {
            if (_earlier is not null) _stream.Seek(0, SeekOrigin.End);
            _earlier = null;
            _stream.Write(line);
            _stream.Flush();
        }
        catch (IOException e)
        {
            throw NotWritten(_path, e);
        }
    }

    /// <summary>The file is complete.</summary>
    /// <exception cref="CrossheadException">The disk is full.</exception>
    public void Finish()
    {
        try
        {
            _stream.Flush(flushToDisk: true);
            File.Delete(StateOf(_path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritten(_path, e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    // Cuts the last line if it is not whole, and stands at the beginning.
    private static long WholeLines(FileStream stream)
    {
        var (lines, whole, buffer) = (0L, 0L, new byte[1 << 16]);
        for (int read; (read = stream.Read(buffer)) > 0;)
        {
            var here = buffer.AsSpan(0, read);
            lines += here.Count((byte)'\n');
            if (here.LastIndexOf((byte)'\n') is >= 0 and var last) whole = stream.Position - read + last + 1;
        }
        stream.SetLength(whole);
        stream.Seek(0, SeekOrigin.Begin);
        return lines;
    }

    private static CrossheadException NotWritten(string path, Exception e) =>
        new($"\"{path}\" cannot be written: {e.Reason()}; free space, or allow writing there, and "
            + "run the same command again to go on.", e);
}
