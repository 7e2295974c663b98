using System.IO.Hashing;
using Crosshead.Files;

namespace Crosshead.Checkpoints;

/// <summary>
/// Identifies the weights of a model directory: directories with equal hashes hold the same model, whatever their path.
/// </summary>
public static class WeightsHash
{
    /// <summary>
    /// XXH128, in lower-case hexadecimal, over its files of weights, shards in the order of their names.
    /// </summary>
    /// <param name="folder">The model directory.</param>
    /// <exception cref="CrossheadException">A file cannot be read.</exception>
    public static string Of(string folder)
    {
        try
        {
            string[] files = [.. Directory.GetFiles(folder, "model*.safetensors").Order(StringComparer.Ordinal)];
            if (files.Length == 0 && GgufFolder.FileIn(folder) is { } first)
            {
                using var reader = GgufFolder.Open(first);
                files = [.. reader.Paths];
            }
            return Of(files, folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(folder, e);
        }
    }

    /// <summary>XXH128, in lower-case hexadecimal, over the files of a model.</summary>
    /// <param name="files">The files, in their order.</param>
    /// <param name="path">The model, for messages.</param>
    /// <exception cref="CrossheadException">A file cannot be read.</exception>
    internal static string Of(IReadOnlyList<string> files, string path)
    {
        var hash = new XxHash128();
        try
        {
            foreach (var file in files)
            {
                using var stream = InputFile.Open(file);
                hash.Append(stream);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, e);
        }
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    private static CrossheadException Unreadable(string path, Exception e) =>
        new($"the weights in \"{path}\" cannot be read: {e.Reason()}; check the file and its permissions.", e);
}
