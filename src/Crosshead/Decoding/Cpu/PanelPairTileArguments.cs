using System.Runtime.InteropServices;

namespace Crosshead.Decoding.Cpu;

/// <summary>What the machine code of <see cref="PanelPairTiles"/> is given. All distances are in bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct PanelPairTileArguments
{
    /// <summary>The first panel, [depth / 2, 16, 2].</summary>
    public byte* First;

    /// <summary>The end of the first panel.</summary>
    public byte* End;

    /// <summary>The second panel.</summary>
    public byte* Second;

    /// <summary>Where the first of four runs of memory begins that are prefetched while the panels are read.</summary>
    public byte* Next;

    /// <summary>From the first run to the second, and from the third to the fourth.</summary>
    public long Run;

    /// <summary>From the first run to the third.</summary>
    public long Half;

    /// <summary>The first vector, in words of two numbers.</summary>
    public byte* X;

    /// <summary>From vector to vector.</summary>
    public long Stride;

    /// <summary>The sums of the first vector.</summary>
    public byte* Y;

    /// <summary>From sums to sums.</summary>
    public long SumStride;

    /// <summary>From the sums of the first panel to those of the second.</summary>
    public long Apart;

    /// <summary>Whether sums go on from those that are there: 0 or 1.</summary>
    public long Adds;
}
