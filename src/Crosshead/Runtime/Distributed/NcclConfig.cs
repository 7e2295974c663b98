using System.Runtime.InteropServices;

namespace Crosshead.Runtime.Distributed;

/// <summary>
/// NCCL's <c>ncclConfig_t</c> as 2.27 has it. A newer NCCL reads as many bytes as <see cref="Size"/> says and takes
/// its own defaults for the rest.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NcclConfig
{
    private const int Unset = int.MinValue;

    /// <summary>Bytes of this structure.</summary>
    public nuint Size = (nuint)sizeof(NcclConfig);

    /// <summary>Marks the structure, and the version of its layout.</summary>
    public uint Magic = 0xcafebeef, Version = Nccl.OldestVersion;

    /// <summary>Whether calls wait, and how many blocks of threads an exchange takes.</summary>
    public int Blocking = Unset, CgaClusterSize = Unset, MinCtas = Unset, MaxCtas = Unset;

    /// <summary>Name of the network.</summary>
    public nint NetName;

    /// <summary>Whether parts of a communicator share its resources, and the class of its traffic.</summary>
    public int SplitShare = Unset, TrafficClass = Unset;

    /// <summary>Name of the communicator, for NCCL's own messages.</summary>
    public nint CommName;

    /// <summary>Further settings of NCCL.</summary>
    public int CollnetEnable = Unset, CtaPolicy = Unset, ShrinkShare = Unset, NvlsCtas = Unset;

    /// <summary>A configuration in which NCCL chooses everything.</summary>
    public NcclConfig()
    {
    }
}
