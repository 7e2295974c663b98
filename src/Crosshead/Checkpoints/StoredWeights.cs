using Crosshead.Checkpoints.Safetensors;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints;

/// <summary>How a model directory stores its weights.</summary>
/// <param name="TypeName">Name of the precision that most of the bytes are in.</param>
/// <param name="BytesPerElement">Bytes per number.</param>
/// <param name="Type">The precision in which a copy of the model is written; float32 if the stored type is not
/// floating-point.</param>
public sealed record StoredWeights(string TypeName, int BytesPerElement, ScalarType Type)
{
    /// <summary>Reads the headers of a directory's weights, one file or shards.</summary>
    /// <param name="folder">The model directory.</param>
    /// <param name="named">The precision that the configuration names. It is used if there are no weights; without it,
    /// float32.</param>
    /// <exception cref="CrossheadException">A file is damaged.</exception>
    public static StoredWeights In(string folder, string? named = null)
    {
        if (!WeightFiles.ExistIn(folder)) return Absent(named);
        using var files = WeightFiles.Open(folder);
        var type = files.Tensors.Values.GroupBy(t => t.Type).MaxBy(g => g.Sum(t => t.Bytes))?.Key;
        return type is null
            ? Absent(named)
            : new(type.Scalar?.ToString().ToLowerInvariant() ?? type.Name, Math.Max(type.Bits / 8, 1),
                type.IsFloat ? type.Scalar ?? ScalarType.Float32 : ScalarType.Float32);
    }

    private static StoredWeights Absent(string? named)
    {
        var type = SafetensorsType.All.FirstOrDefault(
            t => t.IsFloat && $"{t.Scalar}".Equals(named, StringComparison.OrdinalIgnoreCase));
        return type is null
            ? new("float32 (no weights here)", 4, ScalarType.Float32)
            : new($"{named} (by config.json, no weights here)", type.Bits / 8, type.Scalar!.Value);
    }
}
