namespace Crosshead.Decoding.Cpu;

/// <summary>Some outputs of a matrix for some rows, side by side and filled up with zeros to sixteens.</summary>
/// <param name="pointer">[rows, stride]</param>
/// <param name="stride">Elements from row to row.</param>
/// <param name="start">The first output.</param>
/// <param name="length">Number of outputs.</param>
internal readonly unsafe struct ResultTile(float* pointer, int stride, int start, int length)
{
    /// <summary>Elements from row to row.</summary>
    public int Stride => stride;

    /// <summary>The first output.</summary>
    public int Start => start;

    /// <summary>Number of outputs.</summary>
    public int Length => length;

    /// <summary>The outputs of a row.</summary>
    public float* this[int row] => pointer + ((long)row * stride);
}
