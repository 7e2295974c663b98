using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Crosshead.Data.Sources;

namespace Crosshead.TextModels.Prompts;

/// <summary>
/// Prompts as JSONL: each line is an object with a <c>prompt</c> (or <c>text</c>), or with <c>messages</c> for the
/// model's chat template. A line may also have an <c>id</c>, and options of its own: <c>max_tokens</c>,
/// <c>temperature</c>, <c>top_k</c>, <c>top_p</c>, <c>min_p</c>, <c>seed</c> and <c>stop</c>. There may be any number
/// of lines.
/// </summary>
public sealed class PromptFile
{
    private const int LongestLine = 256 << 20;
    private const int Ahead = 64; // lines of a pipe that are read before they are needed
    private readonly Func<Stream> _open;

    private PromptFile(string name, Func<Stream> open, bool isPipe) => (Name, _open, IsPipe) = (name, open, isPipe);

    /// <summary>What messages call it.</summary>
    public string Name { get; }

    /// <summary>Whether it can be read once only, as it comes, and may have no end.</summary>
    public bool IsPipe { get; }

    /// <summary>Opens a file, or a pipe by its path.</summary>
    /// <exception cref="CrossheadException">There is no such file, or it cannot be read.</exception>
    public static PromptFile Open(string path)
    {
        if (Directory.Exists(path))
            throw new CrossheadException($"the prompts \"{path.Shown()}\" are a folder; name a JSONL file.");
        if (!File.Exists(path))
            throw new CrossheadException($"the prompts \"{path.Shown()}\" do not exist; name a JSONL file with an "
                + $"object such as {PromptLineReader.Example} on each line.");
        var stream = OpenStream(path);
        if (!stream.CanSeek) return Of(stream, path);
        stream.Dispose();
        return new PromptFile(path, () => OpenStream(path), isPipe: false);
    }

    /// <summary>Takes a stream, which is read once, as it comes.</summary>
    /// <param name="stream">The stream; it stays open.</param>
    /// <param name="name">What messages call it.</param>
    public static PromptFile Of(Stream stream, string name) => new(name, () => stream, isPipe: true);

    /// <summary>All lines of a file, in order.</summary>
    /// <exception cref="CrossheadException">A line cannot be used.</exception>
    internal IEnumerable<PromptLine> Lines(PromptLineReader reader)
    {
        var stream = _open();
        try
        {
            SourceLines? lines = null;
            while (Next(stream, ref lines, reader) is { } line) yield return line;
            if (lines!.Number == 0)
                throw new CrossheadException($"{Name} holds no prompt; write an object such as "
                    + $"{PromptLineReader.Example} on each line.");
        }
        finally
        {
            if (!IsPipe) stream.Dispose();
        }
    }

    /// <summary>
    /// All lines, in order. Those of a pipe are read on another thread: null stands for a line that is not there yet.
    /// </summary>
    /// <param name="reader">Reads a line.</param>
    /// <param name="waits">Whether to wait for a line of a pipe now.</param>
    /// <param name="cancellation">Ends a wait.</param>
    /// <exception cref="CrossheadException">A line cannot be used.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    internal IEnumerable<PromptLine?> Lines(PromptLineReader reader, Func<bool> waits,
        CancellationToken cancellation) => IsPipe ? AsTheyCome(reader, waits, cancellation) : Lines(reader);

    private IEnumerable<PromptLine?> AsTheyCome(PromptLineReader reader, Func<bool> waits,
        CancellationToken cancellation)
    {
        using var stop = new CancellationTokenSource();
        var queue = new BlockingCollection<PromptLine>(Ahead);
        Exception? failure = null;
        var token = stop.Token;
        // It may wait for a line for ever, so nothing waits for it.
        new Thread(() => Pump(reader, queue, e => failure = e, token))
        {
            IsBackground = true,
            Name = "Crosshead prompts",
        }.Start();
        try
        {
            while (!queue.IsCompleted)
            {
                if (queue.TryTake(out var line, waits() ? Timeout.Infinite : 0, cancellation)) yield return line;
                else if (!queue.IsCompleted) yield return null;
            }
            if (failure is not null) ExceptionDispatchInfo.Throw(failure);
        }
        finally
        {
            stop.Cancel();
        }
    }

    private void Pump(PromptLineReader reader, BlockingCollection<PromptLine> queue, Action<Exception> fail,
        CancellationToken stop)
    {
        try
        {
            foreach (var line in Lines(reader)) queue.Add(line, stop);
        }
        catch (Exception e)
        {
            fail(e); // before the queue is seen to be complete
        }
        queue.CompleteAdding();
    }

    private PromptLine? Next(Stream stream, ref SourceLines? lines, PromptLineReader reader)
    {
        try
        {
            lines ??= new SourceLines(stream, Name, LongestLine, cutLongLines: false);
            return lines.TryRead(out var line) ? reader.Read(line, lines.Number) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"the prompts \"{Name}\" cannot be read: {e.Reason()}; see to it, or name "
                + "another file.", e);
        }
    }

    private static FileStream OpenStream(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"the prompts \"{path.Shown()}\" cannot be read: {e.Reason()}; see to it, or "
                + "name another file.", e);
        }
    }
}
