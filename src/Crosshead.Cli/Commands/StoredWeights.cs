using Crosshead.Checkpoints;

namespace Crosshead.Cli.Commands;

/// <summary>How a model directory stores its weights.</summary>
/// <param name="TypeName">Name of the precision most of the numbers are in.</param>
/// <param name="BytesPerElement">Bytes of one number.</param>
internal sealed record StoredWeights(string TypeName, int BytesPerElement)
{
    /// <summary>Reads the headers of a directory's weights, one file or shards; float32 is assumed where there are none.</summary>
    public static StoredWeights In(string folder)
    {
        if (!WeightFiles.ExistIn(folder)) return new("float32 (no weights here)", 4);
        using var files = WeightFiles.Open(folder);
        var type = files.Tensors.Values.GroupBy(t => t.Type).MaxBy(g => g.Sum(t => t.Bytes))?.Key;
        return type is null
            ? new("float32 (no weights here)", 4)
            : new(type.Scalar?.ToString().ToLowerInvariant() ?? type.Name, Math.Max(type.Bits / 8, 1));
    }
}
