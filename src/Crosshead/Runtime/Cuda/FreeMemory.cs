using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Runtime.Cuda;

/// <summary>How much memory a device has left.</summary>
public static class FreeMemory
{
    private const double CacheShare = 0.5; // of the memory that is free once the model is loaded

    /// <summary>Bytes that a cache takes where nobody says how many.</summary>
    /// <param name="device">The device; null for the CPU.</param>
    /// <param name="count">Number of CUDA devices from this one on, on each of which the cache takes as much.</param>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    public static long ForCache(Device? device, int count = 1) => (long)(CacheShare * (count == 1 ? On(device)
        : Enumerable.Range(Math.Max(device!.index, 0), count).Min(index => On(new Device($"cuda:{index}")))));

    /// <summary>Bytes of memory that this process can have at most, whatever else runs.</summary>
    /// <param name="device">The device; null for the CPU.</param>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    public static long Most(Device? device) => device?.type == DeviceType.CUDA
        ? CudaDevices.All()[Math.Max(device.index, 0)].MemoryBytes : MemoryLimit.Bytes;

    /// <summary>Bytes of memory that this process may still take, about.</summary>
    /// <param name="device">The device; null for the CPU.</param>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    public static long On(Device? device)
    {
        if (device?.type != DeviceType.CUDA)
            return GC.GetGCMemoryInfo().TotalAvailableMemoryBytes - Environment.WorkingSet;
        var index = Math.Max(device.index, 0);
        return CudaDevices.All()[index].MemoryBytes - CudaDevices.MemoryTaken(index);
    }
}
