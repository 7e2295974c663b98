using System.Runtime.InteropServices;

namespace Crosshead.Runtime.Cuda;

/// <summary>The driver's <c>CUmemAccessDesc</c>: a device that reads and writes mapped memory.</summary>
/// <param name="device">Number of the device.</param>
[StructLayout(LayoutKind.Sequential)]
internal struct CudaAccess(int device)
{
    /// <summary>CU_MEM_LOCATION_TYPE_DEVICE, and its number.</summary>
    public int LocationType = 1, Device = device;

    /// <summary>CU_MEM_ACCESS_FLAGS_PROT_READWRITE.</summary>
    public int Flags = 3;
}
