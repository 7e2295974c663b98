using System.Runtime.InteropServices;

namespace Crosshead.Runtime.Distributed;

/// <summary>
/// NCCL's <c>ncclUniqueId</c>: by it ranks find each other. It is passed by value. Rank 0 makes it and gives it to the
/// others.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NcclUniqueId
{
    /// <summary>Its length in bytes.</summary>
    public const int Length = 128;

    /// <summary>The bytes.</summary>
    public fixed byte Bytes[Length];
}
