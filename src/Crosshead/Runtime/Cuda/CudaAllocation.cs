using System.Runtime.InteropServices;

namespace Crosshead.Runtime.Cuda;

/// <summary>The driver's <c>CUmemAllocationProp</c>: where memory is that several devices may use.</summary>
/// <param name="device">Number of the device that has it.</param>
[StructLayout(LayoutKind.Sequential)]
internal struct CudaAllocation(int device)
{
    /// <summary>CU_MEM_ALLOCATION_TYPE_PINNED, and no handle for other processes.</summary>
    public int Type = 1, HandleTypes;

    /// <summary>CU_MEM_LOCATION_TYPE_DEVICE, and its number.</summary>
    public int LocationType = 1, Device = device;

    /// <summary>For Windows.</summary>
    public nint Metadata;

    /// <summary>Nothing special.</summary>
    public ulong Flags;
}
