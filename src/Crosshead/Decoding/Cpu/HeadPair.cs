namespace Crosshead.Decoding.Cpu;

/// <summary>Two composed heads, the vectors of each, and where the sums go.</summary>
/// <param name="components">Components c.</param>
/// <param name="mixA">The factors [c] of the first head.</param>
/// <param name="mixB">The factors [c] of the other head.</param>
/// <param name="x">The first vector of the first head.</param>
/// <param name="stride">Elements from vector to vector.</param>
/// <param name="y">The sums of the first vector.</param>
/// <param name="yStride">Elements from sums to sums.</param>
/// <param name="rows">Vectors of a head; the last stands for those behind it.</param>
/// <param name="other">Vectors from the first head to the other.</param>
internal readonly unsafe struct HeadPair(int components, float* mixA, float* mixB, float* x, int stride, float* y,
    int yStride, int rows, int other)
{
    /// <summary>Components c.</summary>
    public int Components => components;

    /// <summary>The factors [c] of the first head.</summary>
    public float* MixA => mixA;

    /// <summary>The factors [c] of the other head.</summary>
    public float* MixB => mixB;

    /// <summary>A vector of the first head.</summary>
    public float* X(int row) => x + ((long)Math.Min(row, rows - 1) * stride);

    /// <summary>A vector of the other head.</summary>
    public float* OtherX(int row) => X(row) + ((long)other * stride);

    /// <summary>The sums of a vector of the first head.</summary>
    public float* Y(int row) => y + ((long)Math.Min(row, rows - 1) * yStride);

    /// <summary>The sums of a vector of the other head.</summary>
    public float* OtherY(int row) => Y(row) + ((long)other * yStride);
}
