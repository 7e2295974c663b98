using System.Runtime.InteropServices;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>Tiles of the same eight rows that <see cref="PairTileCode"/> computes, one after the other.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct PairTileArguments
{
    /// <summary>[columns / 32, 8, 32]: the rows, in lines of the cache.</summary>
    public byte* Panel;

    /// <summary>Bytes of the rows, a positive multiple of 512.</summary>
    public long PanelBytes;

    /// <summary>The first vector, from the first column on.</summary>
    public byte* Vectors;

    /// <summary>Bytes from vector to vector.</summary>
    public long VectorStride;

    /// <summary>Number of tiles, at least one.</summary>
    public long Count;

    /// <summary>Whether there were columns before: 1 or 0.</summary>
    public long Begun;

    /// <summary>Whether these are the last columns: 1 or 0.</summary>
    public long Ends;

    /// <summary>[tiles, vectors, 8, 16]; read if <see cref="Begun"/>, written unless <see cref="Ends"/>. Moves on with
    /// the tiles.</summary>
    public float* Sums;

    /// <summary>The products of the first vector with the eight rows, written if <see cref="Ends"/>.</summary>
    public float* Products;

    /// <summary>Bytes from product to product of the next vector.</summary>
    public long ProductStride;

    /// <summary>The first of eight rows that are asked for meanwhile. Moves on with the tiles.</summary>
    public byte* Ahead;

    /// <summary>Bytes from row to row of those that are asked for.</summary>
    public long AheadStride;

    /// <summary>Lines of each row that a tile asks for, at most one for 32 columns.</summary>
    public long AheadLines;
}
