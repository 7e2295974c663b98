using static TorchSharp.torch;

namespace Crosshead.Runtime;

/// <summary>
/// The precisions of a model's computation. Their names are in one place, so every command uses the same names.
/// </summary>
public static class Precision
{
    private static readonly Dictionary<string, ScalarType> Names = new()
    {
        ["float64"] = ScalarType.Float64,
        ["float32"] = ScalarType.Float32,
        ["bfloat16"] = ScalarType.BFloat16,
    };

    /// <summary>The precision of a name: <c>float64</c>, <c>float32</c> or <c>bfloat16</c>.</summary>
    /// <exception cref="CrossheadException">The name is unknown.</exception>
    public static ScalarType Parse(string name) => Names.TryGetValue(name, out var type)
        ? type
        : throw new CrossheadException($"dtype \"{name}\" is unknown; {Suggestion.For(name, Names.Keys)}");

    /// <summary>The name of a precision.</summary>
    public static string NameOf(ScalarType type) => Names.First(p => p.Value == type).Key;

    /// <summary>Precision of the master weights for a computation: float64 for float64, float32 otherwise.</summary>
    public static ScalarType MasterOf(ScalarType compute) =>
        compute == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;

    /// <summary>Bytes of an element.</summary>
    public static int BytesOf(ScalarType type) =>
        type switch { ScalarType.Float64 => 8, ScalarType.Float32 => 4, _ => 2 };
}
