using System.Runtime.InteropServices;

namespace Crosshead.Runtime.Cuda;

/// <summary>
/// The driver's <c>CUipcMemHandle</c>: by it another process of the same host finds memory of a device. It is passed by
/// value.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ProcessMemoryHandle
{
    /// <summary>Its length in bytes.</summary>
    public const int Length = 64;

    /// <summary>The bytes.</summary>
    public fixed byte Bytes[Length];
}
