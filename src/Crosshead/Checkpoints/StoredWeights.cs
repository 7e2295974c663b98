using Crosshead.Checkpoints.Gguf;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints;

/// <summary>How a model's weights are stored.</summary>
/// <param name="TypeName">Name of the precision that most of the bytes are in.</param>
/// <param name="Type">The precision in which a copy of the model is written, and in which its cache is counted: float32
/// if the stored type is not floating-point. If several numbers share a scale it is that of the weights beside them, or
/// bfloat16 for a GGUF file.</param>
public sealed record StoredWeights(string TypeName, ScalarType Type)
{
    /// <summary>Name of <see cref="Type"/>.</summary>
    public string CopyTypeName => NameOf(Type);

    /// <summary>Bytes per number of a copy.</summary>
    public int BytesPerElement => Precision.BytesOf(Type);

    /// <summary>The types of the stored tensors, the one with the most bytes first; empty without weights.</summary>
    public IReadOnlyList<StoredType> Types { get; init; } = [];

    /// <summary>Those of a directory.</summary>
    /// <param name="weights">Its weights.</param>
    /// <param name="named">The precision that the configuration names. It is used if there are no weights; without it,
    /// float32.</param>
    internal static StoredWeights In(FolderWeights weights, string? named)
    {
        var all = weights.ByName.Values.ToLookup(w => w is TensorWeight { Entry.Type: var t } ? NameOf(t) : w.TypeName);
        var types = StoredType.Of(all.SelectMany(
            g => g.Select(w => new StoredType(g.Key, 1, w.Elements, w.Tensors.Sum(t => t.Bytes)))));
        if (types.Count == 0) return Absent(named);
        // Quantised weights stand for numbers of the precision that those beside them have.
        var own = all[types[0].Name].First() as TensorWeight
            ?? types.SelectMany(t => all[t.Name]).OfType<TensorWeight>().FirstOrDefault(w => w.IsReadable);
        return new(types[0].Name, own is { IsReadable: true } ? own.Entry.Type.Scalar!.Value : ScalarType.Float32)
        {
            Types = types,
        };
    }

    /// <summary>Those of a GGUF file.</summary>
    internal static StoredWeights In(GgufReader file)
    {
        var types = StoredType.Of(file.Tensors.Values.Select(
            t => new StoredType(NameOf(t.Type), 1, t.Elements, t.Bytes)));
        return types.Count == 0 ? Absent(null) : new(types[0].Name, file.Tensors.Values.Select(t => t.Type)
            .Where(type => NameOf(type) == types[0].Name).Select(ScalarOf).First() ?? ScalarType.BFloat16)
        {
            Types = types,
        };
    }

    /// <summary>The type of most quantised tensors of a GGUF file; null if none are.</summary>
    internal static string? QuantizedTypeIn(GgufReader file) => StoredType.Of(file.Tensors.Values
        .Where(t => t.Type.BlockSize > 1)
        .Select(t => new StoredType(t.Type.Name, 1, t.Elements, t.Bytes))) is [var most, ..] ? most.Name : null;

    private static string NameOf(SafetensorsType type) => type.Scalar is { } scalar ? NameOf(scalar) : type.Name;

    // Numbers that stand alone have the same name whatever the format of the file.
    private static string NameOf(GgufType type) =>
        ScalarOf(type) is { } scalar ? NameOf(scalar) : type.Name;

    private static ScalarType? ScalarOf(GgufType type) => type.Name switch
    {
        "F32" => ScalarType.Float32,
        "F16" => ScalarType.Float16,
        "BF16" => ScalarType.BFloat16,
        _ => null,
    };

    private static string NameOf(ScalarType type) => $"{type}".ToLowerInvariant();

    /// <summary>Those of a directory without weights.</summary>
    /// <param name="named">The precision that the configuration names; without it, float32.</param>
    internal static StoredWeights Absent(string? named)
    {
        var type = SafetensorsType.All.FirstOrDefault(
            t => t.IsFloat && $"{t.Scalar}".Equals(named, StringComparison.OrdinalIgnoreCase));
        return type is null
            ? new("float32 (no weights here)", ScalarType.Float32)
            : new($"{named} (by config.json, no weights here)", type.Scalar!.Value);
    }
}
