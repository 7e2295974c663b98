using System.Runtime.InteropServices;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>Blocks of sixteen rows that <see cref="QuadTile"/> multiplies by a vector.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct QuadTileArguments
{
    /// <summary>The first block of the first row.</summary>
    public byte* Weights;

    /// <summary>Bytes from row to row.</summary>
    public long Stride;

    /// <summary>Number of blocks, at least one.</summary>
    public long Blocks;

    /// <summary>[blocks, 16, 16]: scales of the eight runs of sixteen rows, then minima.</summary>
    public float* Scales;

    /// <summary>[blocks, 8]: the vector, as records of <see cref="InputCodes"/>.</summary>
    public byte* Records;

    /// <summary>[blocks, 2, 4, 64]: its codes, as <see cref="QuadTile.Arrange"/> puts them.</summary>
    public byte* Inputs;

    /// <summary>Bytes that are asked for meanwhile, as many as the blocks have.</summary>
    public byte* Next;

    /// <summary>[16]; added to.</summary>
    public float* Sums;

    /// <summary>The bits of lower codes in four bytes.</summary>
    public int Lower;

    /// <summary>Those of upper codes.</summary>
    public int Upper;
}
