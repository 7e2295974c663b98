using static TorchSharp.torch;

namespace Crosshead.Checkpoints.Safetensors;

/// <summary>An element type of the safetensors format.</summary>
/// <param name="Name">Its name in a header.</param>
/// <param name="Bits">Bits of an element; fewer than 8 if several elements share a byte.</param>
/// <param name="Scalar">The same type in libtorch; null if TorchSharp has none, and only the bytes are
/// available.</param>
public sealed record SafetensorsType(string Name, int Bits, ScalarType? Scalar)
{
    /// <summary>All types of the format.</summary>
    public static IReadOnlyList<SafetensorsType> All { get; } =
    [
        new("F64", 64, ScalarType.Float64),
        new("F32", 32, ScalarType.Float32),
        new("F16", 16, ScalarType.Float16),
        new("BF16", 16, ScalarType.BFloat16),
        new("I64", 64, ScalarType.Int64),
        new("I32", 32, ScalarType.Int32),
        new("I16", 16, ScalarType.Int16),
        new("I8", 8, ScalarType.Int8),
        new("U8", 8, ScalarType.Byte),
        new("BOOL", 8, ScalarType.Bool),
        new("C64", 64, ScalarType.ComplexFloat32),
        new("U64", 64, null),
        new("U32", 32, null),
        new("U16", 16, null),
        new("F8_E4M3", 8, null),
        new("F8_E5M2", 8, null),
        new("F8_E8M0", 8, null),
        new("F6_E2M3", 6, null),
        new("F6_E3M2", 6, null),
        new("F4", 4, null),
    ];

    private static readonly Dictionary<string, SafetensorsType> ByName = All.ToDictionary(t => t.Name);

    /// <summary>Whether the type is a real floating-point type that libtorch computes with.</summary>
    public bool IsFloat =>
        Scalar is ScalarType.Float64 or ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16;

    /// <summary>The type with this name; null if the format has none.</summary>
    internal static SafetensorsType? Named(string name) => ByName.GetValueOrDefault(name);

    /// <summary>The format's type for a type of libtorch; null if it has none.</summary>
    internal static SafetensorsType? Of(ScalarType type) => All.FirstOrDefault(t => t.Scalar == type);

    /// <summary>The name in a header.</summary>
    public override string ToString() => Name;
}
