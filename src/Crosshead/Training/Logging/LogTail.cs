using System.Text;
using System.Text.Json;

namespace Crosshead.Training.Logging;

/// <summary>Follows the log of a run that another process writes.</summary>
public static class LogTail
{
    private const int Bytes = 4096; // several lines

    /// <summary>The last complete line; null if there is none yet.</summary>
    /// <param name="path">The log, which may be missing or growing.</param>
    public static TrainingStepRecord? Last(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read,
                FileShare.ReadWrite | FileShare.Delete);
            file.Seek(-Math.Min(Bytes, file.Length), SeekOrigin.End);
            using var reader = new StreamReader(file, Encoding.UTF8);
            var text = reader.ReadToEnd();
            var lines = text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
            return lines.Length == 0 ? null
                : JsonSerializer.Deserialize(lines[^1], TrainingStepJson.Default.TrainingStepRecord);
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return null; // not there yet, or being rewritten
        }
    }
}
