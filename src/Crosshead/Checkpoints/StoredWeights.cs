using Crosshead.Checkpoints.Gguf;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints;

/// <summary>How a model's weights are stored.</summary>
/// <param name="TypeName">Name of the precision that most of the bytes are in.</param>
/// <param name="Type">The precision in which a copy of the model is written, and in which its cache is counted: float32
/// if the stored type is not floating-point, bfloat16 if several numbers share a scale.</param>
public sealed record StoredWeights(string TypeName, ScalarType Type)
{
    /// <summary>Name of <see cref="Type"/>.</summary>
    public string CopyTypeName => NameOf(Type);

    /// <summary>Bytes per number of a copy.</summary>
    public int BytesPerElement => Precision.BytesOf(Type);

    /// <summary>The types of the stored tensors, the one with the most bytes first; empty without weights.</summary>
    public IReadOnlyList<StoredType> Types { get; init; } = [];

    /// <summary>Reads the headers of a directory's weights, one file or shards.</summary>
    /// <param name="folder">The model directory.</param>
    /// <param name="named">The precision that the configuration names. It is used if there are no weights; without it,
    /// float32.</param>
    /// <exception cref="CrossheadException">A file is damaged.</exception>
    public static StoredWeights In(string folder, string? named = null)
    {
        if (!WeightFiles.ExistIn(folder)) return Absent(named);
        using var files = WeightFiles.Open(folder);
        var types = StoredType.Of(files.Tensors.Values.Select(t => (NameOf(t.Type), t.Elements, t.Bytes)));
        if (types.Count == 0) return Absent(named);
        var type = files.Tensors.Values.Select(t => t.Type).First(t => NameOf(t) == types[0].Name);
        return new(types[0].Name, type.IsFloat ? type.Scalar ?? ScalarType.Float32 : ScalarType.Float32)
        {
            Types = types,
        };
    }

    /// <summary>Those of a GGUF file.</summary>
    internal static StoredWeights In(GgufReader file)
    {
        var types = StoredType.Of(file.Tensors.Values.Select(t => (NameOf(t.Type), t.Elements, t.Bytes)));
        return types.Count == 0 ? Absent(null) : new(types[0].Name, GgufModel.Types.Values.Cast<ScalarType?>()
            .FirstOrDefault(type => NameOf(type!.Value) == types[0].Name) ?? ScalarType.BFloat16)
        {
            Types = types,
        };
    }

    private static string NameOf(SafetensorsType type) => type.Scalar is { } scalar ? NameOf(scalar) : type.Name;

    // Numbers that stand alone have the same name whatever the format of the file.
    private static string NameOf(GgufType type) =>
        GgufModel.Types.TryGetValue(type.Name.ToLowerInvariant(), out var scalar) ? NameOf(scalar) : type.Name;

    private static string NameOf(ScalarType type) => $"{type}".ToLowerInvariant();

    private static StoredWeights Absent(string? named)
    {
        var type = SafetensorsType.All.FirstOrDefault(
            t => t.IsFloat && $"{t.Scalar}".Equals(named, StringComparison.OrdinalIgnoreCase));
        return type is null
            ? new("float32 (no weights here)", ScalarType.Float32)
            : new($"{named} (by config.json, no weights here)", type.Scalar!.Value);
    }
}
