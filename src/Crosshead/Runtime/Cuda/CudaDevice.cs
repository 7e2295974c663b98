using System.Collections.Concurrent;

namespace Crosshead.Runtime.Cuda;

/// <summary>The properties of a CUDA device that affect the launch of a kernel.</summary>
/// <param name="Index">Its number, as in <c>cuda:n</c>.</param>
/// <param name="Multiprocessors">Number of streaming multiprocessors.</param>
/// <param name="ComputeCapability">The architecture kernels are compiled for, as NVRTC names it: <c>sm_90a</c>.</param>
/// <param name="SharedMemoryPerBlock">Maximum bytes of shared memory per block.</param>
/// <param name="Context">The device's primary context, which libtorch also uses.</param>
internal sealed record CudaDevice(int Index, int Multiprocessors, string ComputeCapability,
    int SharedMemoryPerBlock, nint Context)
{
    private static readonly ConcurrentDictionary<int, Lazy<CudaDevice>> Known = new();

    /// <summary>Whether the device computes in bfloat16: compute capability 8.0 or later.</summary>
    public bool HasBrainFloat => ComputeCapability is not ['s', 'm', '_', '1' or '2' or '3' or '5' or '6' or '7', _];

    /// <summary>
    /// Whether four warps together can multiply data in shared memory (<c>wgmma</c>): compute capability 9.0 only.
    /// </summary>
    public bool HasWarpgroups => ComputeCapability == "sm_90a";

    /// <summary>Device <paramref name="index"/>; asks the driver once.</summary>
    /// <exception cref="CrossheadException">There is no driver or no such device.</exception>
    public static CudaDevice Get(int index) => Known.GetOrAdd(index, i => new Lazy<CudaDevice>(() => Ask(i))).Value;

    /// <summary>Makes the device's context current on this thread while the scope lasts.</summary>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    public CudaContextScope Enter() => new(Context);

    /// <summary>
    /// Whether blocks can form clusters and kernels be launched early: compute capability 9.0 and later.
    /// </summary>
    public bool HasClusters { get; private init; }

    /// <summary>Bytes of the cache that all multiprocessors share.</summary>
    public long CacheBytes { get; private init; }

    /// <summary>What tells this GPU from all others, on any machine.</summary>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    public unsafe Guid Identity()
    {
        CudaDriver.Check(CudaDriver.GetDevice(out var device, Index), $"asking for device cuda:{Index}");
        Guid identity;
        CudaDriver.Check(CudaDriver.GetDeviceUuid((byte*)&identity, device),
            $"asking for the identity of device cuda:{Index}");
        return identity;
    }

    /// <summary>Whether this device reads and writes another's memory without the host.</summary>
    /// <param name="other">Number of the other device.</param>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    public bool Reaches(int other)
    {
        CudaDriver.Check(CudaDriver.GetDevice(out var device, Index), $"asking for device cuda:{Index}");
        CudaDriver.Check(CudaDriver.GetDevice(out var peer, other), $"asking for device cuda:{other}");
        CudaDriver.Check(CudaDriver.CanAccessPeer(out var can, device, peer),
            $"asking whether cuda:{Index} reaches cuda:{other}");
        return can != 0;
    }

    /// <summary>
    /// Bytes of the device's memory that are not free: what this process and others have taken, libtorch's reserve
    /// included.
    /// </summary>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    public long MemoryTaken()
    {
        var (free, total) = Memory();
        return (long)(total - free);
    }

    /// <summary>Whether more than half of the memory is free now.</summary>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    public bool HasAmpleMemory() => Memory() is var (free, total) && free > total / 2;

    private (nuint Free, nuint Total) Memory()
    {
        using var scope = Enter();
        CudaDriver.Check(CudaDriver.GetMemory(out var free, out var total),
            $"asking for the free memory of device cuda:{Index}");
        return (free, total);
    }

    private static CudaDevice Ask(int index)
    {
        try
        {
            CudaDriver.Check(CudaDriver.Initialize(0), "starting CUDA");
        }
        catch (DllNotFoundException e)
        {
            throw new CrossheadException($"device cuda:{index} was asked for, but this machine has no NVIDIA driver "
                + $"(libcuda.so.1); install it, or use {MessageTerm.Device} cpu.", e);
        }
        CudaDriver.Check(CudaDriver.GetDevice(out var device, index), $"asking for device cuda:{index}");
        // held as long as the process lives
        CudaDriver.Check(CudaDriver.RetainPrimaryContext(out var context, device), $"opening device cuda:{index}");
        var (major, minor) = (Attribute(CudaDriver.ComputeCapabilityMajor),
            Attribute(CudaDriver.ComputeCapabilityMinor));
        return new CudaDevice(index, Attribute(CudaDriver.MultiprocessorCount), Architecture(major, minor),
            Attribute(CudaDriver.MaxSharedMemoryPerBlockOptIn), context)
        {
            HasClusters = major >= 9,
            CacheBytes = Attribute(CudaDriver.SharedCacheBytes),
        };

        int Attribute(int attribute)
        {
            CudaDriver.Check(CudaDriver.GetDeviceAttribute(out var value, attribute, device),
                $"asking for an attribute of device cuda:{index}");
            return value;
        }
    }

    // Hopper's matrix instructions (wgmma) are only in the "a" variant of its architecture.
    private static string Architecture(int major, int minor) =>
        (major, minor) == (9, 0) ? "sm_90a" : $"sm_{major}{minor}";
}
