namespace Crosshead.Checkpoints.Gguf;

/// <summary>One tensor of a GGUF file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Dimensions">Its sizes, the row's length first: the reverse of <see cref="Shape"/>.</param>
/// <param name="Offset">Position of its first byte, from the start of the tensors' bytes in its file.</param>
/// <param name="Bytes">Its bytes, without padding.</param>
public sealed record GgufTensor(string Name, GgufType Type, IReadOnlyList<long> Dimensions, long Offset, long Bytes)
{
    /// <summary>Its sizes, the row's length last, as in other formats.</summary>
    public long[] Shape => [.. Dimensions.Reverse()];

    /// <summary>Number of elements.</summary>
    public long Elements => Bytes / Type.BlockBytes * Type.BlockSize;
}
