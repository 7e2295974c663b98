namespace Crosshead.Decoding.Cpu;

/// <summary>Vectors in memory, each at the same distance from the one before it.</summary>
/// <param name="pointer">The first vector.</param>
/// <param name="stride">Words of 4 bytes from vector to vector.</param>
/// <param name="count">Number of vectors.</param>
internal readonly unsafe struct PanelVectors(float* pointer, int stride, int count)
{
    /// <summary>The first vector.</summary>
    public float* Pointer => pointer;

    /// <summary>Words of 4 bytes from vector to vector.</summary>
    public int Stride => stride;

    /// <summary>Number of vectors.</summary>
    public int Count => count;

    /// <summary>A vector.</summary>
    public float* this[int vector] => pointer + ((long)vector * stride);

    /// <summary>The vectors without their first numbers.</summary>
    public PanelVectors From(int index) => new(pointer + index, stride, count);

    /// <summary>Some of the vectors.</summary>
    public PanelVectors Slice(int first, int length) => new(this[first], stride, length);
}
