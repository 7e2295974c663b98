using System.Runtime.InteropServices;

namespace Crosshead.Runtime.Cuda;

/// <summary>The driver's <c>CUlaunchConfig</c>: grid, block and the attributes of a launch.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct CudaLaunch
{
    /// <summary>Blocks along each axis.</summary>
    public uint GridX, GridY, GridZ;

    /// <summary>Threads of a block along each axis.</summary>
    public uint BlockX, BlockY, BlockZ;

    /// <summary>Dynamic shared memory of a block, in bytes.</summary>
    public uint SharedBytes;

    /// <summary>The stream.</summary>
    public nint Stream;

    /// <summary>Attributes that differ from the default.</summary>
    public CudaLaunchAttribute* Attributes;

    /// <summary>Number of <see cref="Attributes"/>.</summary>
    public uint AttributeCount;
}
