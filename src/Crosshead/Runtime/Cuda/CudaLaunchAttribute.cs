using System.Runtime.InteropServices;

namespace Crosshead.Runtime.Cuda;

/// <summary>The driver's <c>CUlaunchAttribute</c>.</summary>
[StructLayout(LayoutKind.Explicit, Size = 72)]
internal readonly struct CudaLaunchAttribute
{
    private const int ClusterDimension = 4, ProgrammaticStreamSerialization = 6;

    [FieldOffset(0)] private readonly int _id;
    [FieldOffset(8)] private readonly int _x;
    [FieldOffset(12)] private readonly int _y;
    [FieldOffset(16)] private readonly int _z;

    private CudaLaunchAttribute(int id, int x, int y, int z) => (_id, _x, _y, _z) = (id, x, y, z);

    /// <summary>
    /// The kernel may be launched before the previous kernel of the stream is done; it waits for that kernel itself.
    /// </summary>
    public static CudaLaunchAttribute Early => new(ProgrammaticStreamSerialization, 1, 0, 0);

    /// <summary>A number of consecutive blocks along x read each other's shared memory.</summary>
    /// <param name="size">1 to 8.</param>
    public static CudaLaunchAttribute Cluster(int size) => new(ClusterDimension, size, 1, 1);
}
