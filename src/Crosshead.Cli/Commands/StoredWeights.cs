using Crosshead.Checkpoints;
using Crosshead.Runtime;

namespace Crosshead.Cli.Commands;

/// <summary>How a model directory stores its weights.</summary>
/// <param name="TypeName">Name of the precision most of the numbers are in.</param>
/// <param name="BytesPerElement">Bytes of one number.</param>
internal sealed record StoredWeights(string TypeName, int BytesPerElement)
{
    /// <summary>Reads the header of a directory's weights; float32 is assumed where there are none.</summary>
    public static StoredWeights In(string folder)
    {
        var path = Path.Combine(folder, ModelDirectory.WeightsFile);
        if (!File.Exists(path))
            return new("float32 (no weights here)", 4);
        using var file = SafetensorsReader.Open(path);
        var type = file.Tensors.Values.GroupBy(t => t.Type).MaxBy(g => g.Sum(t => t.Bytes))!.Key;
        return new(type.ToString().ToLowerInvariant(), Precision.BytesOf(type));
    }
}
