using System.Runtime.InteropServices;

namespace Crosshead.Runtime.Cuda;

/// <summary>NVIDIA's driver interface, as far as it is used to load and launch kernels. Every function of it answers 0 for success.</summary>
internal static unsafe partial class CudaDriver
{
    /// <summary>CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT.</summary>
    public const int MultiprocessorCount = 16;

    /// <summary>CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR.</summary>
    public const int ComputeCapabilityMajor = 75;

    /// <summary>CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR.</summary>
    public const int ComputeCapabilityMinor = 76;

    /// <summary>CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN.</summary>
    public const int MaxSharedMemoryPerBlockOptIn = 97;

    /// <summary>CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES.</summary>
    public const int MaxDynamicSharedBytes = 8;

    private const string Library = "libcuda.so.1";

    /// <summary>Throws where the driver answered <paramref name="code"/> ≠ 0.</summary>
    /// <param name="code">The driver's answer.</param>
    /// <param name="doing">What was asked of it, for the message: "launching kernel add".</param>
    /// <exception cref="CrossheadException">The driver refused; the message holds its own sentence.</exception>
    public static void Check(int code, string doing)
    {
        if (code == 0) return;
        var sentence = GetErrorString(code, out var text) == 0 ? Marshal.PtrToStringUTF8(text) : null;
        throw new CrossheadException($"{doing}: the CUDA driver answered error {code}, {sentence ?? "which it does not explain"}; use --device cpu if it stays so.");
    }

    [LibraryImport(Library, EntryPoint = "cuInit")]
    public static partial int Initialize(uint flags);

    [LibraryImport(Library, EntryPoint = "cuGetErrorString")]
    public static partial int GetErrorString(int code, out nint text);

    [LibraryImport(Library, EntryPoint = "cuDeviceGet")]
    public static partial int GetDevice(out int device, int index);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetAttribute")]
    public static partial int GetDeviceAttribute(out int value, int attribute, int device);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRetain")]
    public static partial int RetainPrimaryContext(out nint context, int device);

    [LibraryImport(Library, EntryPoint = "cuCtxGetCurrent")]
    public static partial int GetCurrentContext(out nint context);

    [LibraryImport(Library, EntryPoint = "cuCtxSetCurrent")]
    public static partial int SetCurrentContext(nint context);

    [LibraryImport(Library, EntryPoint = "cuMemGetInfo_v2")]
    public static partial int GetMemory(out nuint free, out nuint total);

    [LibraryImport(Library, EntryPoint = "cuModuleLoadData")]
    public static partial int LoadModule(out nint module, ReadOnlySpan<byte> image);

    [LibraryImport(Library, EntryPoint = "cuModuleGetFunction", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int GetFunction(out nint function, nint module, string name);

    [LibraryImport(Library, EntryPoint = "cuFuncSetAttribute")]
    public static partial int SetFunctionAttribute(nint function, int attribute, int value);

    [LibraryImport(Library, EntryPoint = "cuOccupancyMaxActiveBlocksPerMultiprocessor")]
    public static partial int GetActiveBlocks(out int blocks, nint function, int threads, nuint sharedBytes);

    [LibraryImport(Library, EntryPoint = "cuOccupancyMaxActiveClusters")]
    public static partial int GetActiveClusters(out int clusters, nint function, CudaLaunch* launch);

    [LibraryImport(Library, EntryPoint = "cuLaunchKernelEx")]
    public static partial int Launch(CudaLaunch* launch, nint function, void** arguments, void** extra);
}
