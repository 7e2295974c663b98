using System.Runtime.InteropServices;
using System.Text;

namespace Crosshead.Runtime.Cuda;

/// <summary>
/// The CUDA devices of the machine as NVIDIA's driver lists them, whether libtorch can use them or not.
/// </summary>
public static unsafe class CudaDevices
{
    private const int LongestName = 256;

    /// <summary>
    /// The devices, numbered as <c>cuda:n</c>; empty without a driver or device. Does not load libtorch.
    /// </summary>
    public static IReadOnlyList<FoundDevice> All()
    {
        try
        {
            return CudaDriver.Initialize(0) == 0 && CudaDriver.CountDevices(out var count) == 0
                ? [.. Enumerable.Range(0, count).Select(Ask).OfType<FoundDevice>()]
                : [];
        }
        catch (DllNotFoundException)
        {
            return [];
        }
    }

    /// <summary>Bytes of the cache that all multiprocessors of a device share.</summary>
    /// <param name="index">The device's number, as in <c>cuda:n</c>.</param>
    /// <exception cref="CrossheadException">There is no driver or no such device.</exception>
    public static long CacheBytes(int index) => CudaDevice.Get(index).CacheBytes;

    /// <summary>
    /// Bytes of a device's memory that are not free: what this process and others have taken, libtorch's reserve
    /// included.
    /// </summary>
    /// <param name="index">The device's number, as in <c>cuda:n</c>.</param>
    /// <exception cref="CrossheadException">There is no driver or no such device, or the driver refused.</exception>
    public static long MemoryTaken(int index) => CudaDevice.Get(index).MemoryTaken();

    private static FoundDevice? Ask(int device)
    {
        var name = stackalloc byte[LongestName];
        return CudaDriver.GetDeviceName(name, LongestName, device) == 0
            && CudaDriver.GetTotalMemory(out var bytes, device) == 0
            ? new FoundDevice($"cuda:{device}",
                Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name)), (long)bytes)
            : null;
    }
}

/// <summary>A device that tensors can live on.</summary>
/// <param name="Name">As <see cref="ComputeDevice.Parse"/> takes it: <c>cpu</c>, <c>cuda:0</c>.</param>
/// <param name="Description">The maker's name for it.</param>
/// <param name="MemoryBytes">Its memory in bytes.</param>
public sealed record FoundDevice(string Name, string Description, long MemoryBytes);
