namespace Crosshead.Checkpoints.Gguf;

/// <summary>Where a metadata value is in its file.</summary>
/// <param name="Type">Its type, or that of its elements.</param>
/// <param name="IsList">Whether it is an array.</param>
/// <param name="Count">Number of elements; 1 if it is no array.</param>
/// <param name="Offset">Position of its first byte, from the start of the file.</param>
/// <param name="End">Position after its last byte.</param>
internal sealed record GgufPlace(GgufValueType Type, bool IsList, int Count, long Offset, long End)
{
    /// <summary>Position of its type, which stands before it; of a list with the elements' type and count.</summary>
    public long Start => Offset - (IsList ? sizeof(uint) + sizeof(uint) + sizeof(ulong) : sizeof(uint));

    /// <summary>Bytes of a value of a type; of a text, those of its length.</summary>
    public static int LeastBytes(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        _ => 8,
    };
}
