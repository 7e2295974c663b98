using System.Runtime.InteropServices;
using System.Text;

namespace Crosshead.Cli.Doctor;

/// <summary>The CUDA devices of the machine as NVIDIA's driver lists them, whether libtorch can use them or not.</summary>
internal static unsafe class CudaDriver
{
    /// <summary>The devices, numbered as <c>--device cuda:n</c> numbers them; empty where there is no driver or no device.</summary>
    public static IReadOnlyList<ComputeDevice> Devices()
    {
        if (!NativeLibrary.TryLoad("libcuda.so.1", out var driver))
            return [];
        var initialise = (delegate* unmanaged<uint, int>)NativeLibrary.GetExport(driver, "cuInit");
        var count = (delegate* unmanaged<int*, int>)NativeLibrary.GetExport(driver, "cuDeviceGetCount");
        var name = (delegate* unmanaged<byte*, int, int, int>)NativeLibrary.GetExport(driver, "cuDeviceGetName");
        var memory = (delegate* unmanaged<nuint*, int, int>)NativeLibrary.GetExport(driver, "cuDeviceTotalMem_v2");

        var devices = new List<ComputeDevice>();
        int number;
        if (initialise(0) != 0 || count(&number) != 0)
            return devices;
        var text = stackalloc byte[256];
        for (var device = 0; device < number; device++)
        {
            nuint bytes = 0;
            if (name(text, 256, device) == 0 && memory(&bytes, device) == 0)
                devices.Add(new ComputeDevice($"cuda:{device}", Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text)), (long)bytes));
        }
        return devices;
    }
}
