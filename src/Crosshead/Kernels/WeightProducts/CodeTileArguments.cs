using System.Runtime.InteropServices;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>What the machine code of a <see cref="CodeTile{T}"/> is given.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct CodeTileArguments
{
    /// <summary>[runs, sixteens, 8, 16, 4]: the codes. Each register holds four neighbours of sixteen rows.</summary>
    public byte* Codes;

    /// <summary>The end of the codes.</summary>
    public byte* CodesEnd;

    /// <summary>Scales and minima of the runs, as the shape says.</summary>
    public float* Scales;

    /// <summary>[runs, vectors]: the vectors.</summary>
    public byte* Records;

    /// <summary>Bytes of the records of a run.</summary>
    public long RunBytes;

    /// <summary>[vectors, sixteens, 16]; added to.</summary>
    public float* Sums;

    /// <summary>The first of the weights that are asked for meanwhile.</summary>
    public byte* Ahead;
}
