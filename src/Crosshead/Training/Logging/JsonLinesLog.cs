using System.Text;
using System.Text.Json;
using Crosshead.Files;

namespace Crosshead.Training.Logging;

/// <summary>
/// A log with one JSON object per line and one line per step, flushed at once. Keys are those of
/// <see cref="TrainingStepRecord"/> in camel case;
/// unknown values are left out. JSON has no NaN: a number that is not finite is the string <c>"NaN"</c>,
/// <c>"Infinity"</c> or <c>"-Infinity"</c>.
/// </summary>
public sealed class JsonLinesLog : ITrainingLog
{
    private static readonly byte[] NewLine = "\n"u8.ToArray();

    private readonly FileStream _file;

    /// <summary>Opens the log for writing; its folder is made when absent.</summary>
    /// <param name="path">The file, usually <c>log.jsonl</c> in the run's folder.</param>
    /// <param name="resumedStep">
    /// The step from which a resumed run continues. Lines of later steps, and incomplete lines of a killed process, are
    /// cut. Null starts a new log.
    /// </param>
    /// <exception cref="CrossheadException">The file cannot be opened or rewritten.</exception>
    public JsonLinesLog(string path, long? resumedStep = null)
    {
        Path = System.IO.Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
            if (resumedStep is { } step) Cut(Path, step);
            _file = new FileStream(Path, resumedStep is null ? FileMode.Create : FileMode.Append, FileAccess.Write,
                FileShare.Read, bufferSize: 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(e);
        }
    }

    /// <summary>The file's full path.</summary>
    public string Path { get; }

    /// <inheritdoc/>
    public void Write(TrainingStepRecord record)
    {
        // One write call per line, so that a reader who follows the file never sees half a line of a live process.
        byte[] line = [
            .. JsonSerializer.SerializeToUtf8Bytes(record, TrainingStepJson.Default.TrainingStepRecord), .. NewLine];
        try
        {
            _file.Write(line);
        }
        catch (IOException e)
        {
            throw Unwritable(e);
        }
    }

    /// <summary>Reads the complete lines of a log, in order. An incomplete last line is skipped.</summary>
    /// <exception cref="CrossheadException">The file cannot be read, or a line before the last is not a
    /// record.</exception>
    public static IReadOnlyList<TrainingStepRecord> Read(string path)
    {
        try
        {
            string[] lines = [.. InputFile.ReadLines(path)];
            var records = new List<TrainingStepRecord>(lines.Length);
            for (var i = 0; i < lines.Length; i++)
                if (Parse(lines[i]) is { } record) records.Add(record);
                else if (i < lines.Length - 1)
                    throw new CrossheadException($"{path}, line {i + 1} is not a training record: {lines[i].Shown()}; "
                        + $"remove the line, or give the log of a training run.");
            return records;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"cannot read the training log {path}: {e.Reason()}; make it readable, or "
                + "name another.", e);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    private static void Cut(string path, long lastStep)
    {
        if (!File.Exists(path)) return;
        var content = InputFile.ReadText(path);
        var kept = new StringBuilder(content.Length);
        foreach (var line in content.Split('\n'))
            if (Parse(line) is { } record && record.Step <= lastStep) kept.Append(line).Append('\n');
        if (kept.Equals(content)) return;

        // Written to a temporary file and renamed: if the process is killed here, the old log stays complete.
        var aside = path + ".tmp";
        using (var file = new FileStream(aside, FileMode.Create, FileAccess.Write))
        {
            file.Write(Encoding.UTF8.GetBytes(kept.ToString()));
            file.Flush(flushToDisk: true);
        }
        File.Move(aside, path, overwrite: true);
    }

    private static TrainingStepRecord? Parse(string line)
    {
        try
        {
            return string.IsNullOrWhiteSpace(line) ? null
                : JsonSerializer.Deserialize(line, TrainingStepJson.Default.TrainingStepRecord);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private CrossheadException Unwritable(Exception e) =>
        new($"cannot write the training log {Path}: {e.Reason()}; free space or choose another folder with "
            + $"{MessageTerm.Folder}.", e);
}
