using System.IO.Hashing;

namespace Crosshead.Checkpoints;

/// <summary>
/// Identifies the weights of a model directory: directories with equal hashes hold the same model, whatever their path.
/// </summary>
public static class WeightsHash
{
    /// <summary>
    /// XXH128, in lower-case hexadecimal, over its safetensors files, shards in the order of their names.
    /// </summary>
    /// <param name="folder">The model directory.</param>
    /// <exception cref="CrossheadException">A file cannot be read.</exception>
    public static string Of(string folder)
    {
        var hash = new XxHash128();
        try
        {
            foreach (var file in Directory.GetFiles(folder, "model*.safetensors").Order(StringComparer.Ordinal))
            {
                using var stream = File.OpenRead(file);
                hash.Append(stream);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"the weights in \"{folder}\" cannot be read: {e.Message}", e);
        }
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }
}
