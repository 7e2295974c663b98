using Crosshead.Checkpoints;
using static TorchSharp.torch;

namespace Crosshead.Cli.Commands;

/// <summary>How a model directory stores its weights.</summary>
/// <param name="TypeName">Name of the precision most of the numbers are in.</param>
/// <param name="BytesPerElement">Bytes of one number.</param>
/// <param name="Type">The precision, for writing a model as another was stored.</param>
internal sealed record StoredWeights(string TypeName, int BytesPerElement, ScalarType Type)
{
    /// <summary>Reads the headers of a directory's weights, one file or shards; float32 is assumed where there are none.</summary>
    public static StoredWeights In(string folder)
    {
        if (!WeightFiles.ExistIn(folder)) return new("float32 (no weights here)", 4, ScalarType.Float32);
        using var files = WeightFiles.Open(folder);
        var type = files.Tensors.Values.GroupBy(t => t.Type).MaxBy(g => g.Sum(t => t.Bytes))?.Key;
        return type is null
            ? new("float32 (no weights here)", 4, ScalarType.Float32)
            : new(type.Scalar?.ToString().ToLowerInvariant() ?? type.Name, Math.Max(type.Bits / 8, 1), type.IsFloat ? type.Scalar ?? ScalarType.Float32 : ScalarType.Float32);
    }
}
