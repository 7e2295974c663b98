using System.Runtime.InteropServices;

namespace Crosshead.Runtime.Cuda;

/// <summary>
/// The used part of NVIDIA's driver interface: loading, launching, capturing and replaying kernels. Every function
/// returns 0 for success.
/// </summary>
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

    /// <summary>CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE, in bytes.</summary>
    public const int SharedCacheBytes = 38;

    /// <summary>CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES.</summary>
    public const int MaxDynamicSharedBytes = 8;

    /// <summary>CU_STREAM_NON_BLOCKING: the stream does not wait for the default stream.</summary>
    public const uint NonBlockingStream = 1;

    /// <summary>CU_EVENT_DISABLE_TIMING: the event only orders streams.</summary>
    public const uint OrderingEvent = 2;

    /// <summary>CUDA_ERROR_NOT_READY: what was asked about is not done yet.</summary>
    public const int NotReady = 600;

    /// <summary>
    /// CU_STREAM_CAPTURE_MODE_RELAXED: this thread and others may do anything else meanwhile, such as allocating
    /// memory.
    /// </summary>
    public const int RelaxedCapture = 2;

    /// <summary>CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS: imported memory of another device can be used.</summary>
    public const uint PeerImport = 1;

    private const string Library = "libcuda.so.1";

    /// <summary>Throws if the driver returned <paramref name="code"/> ≠ 0.</summary>
    /// <param name="code">The driver's answer.</param>
    /// <param name="doing">The request, for the message: "launching kernel add".</param>
    /// <exception cref="CrossheadException">The driver refused; the message holds its own sentence.</exception>
    public static void Check(int code, string doing)
    {
        if (code == 0) return;
        var sentence = GetErrorString(code, out var text) == 0 ? Marshal.PtrToStringUTF8(text) : null;
        throw new CrossheadException($"{doing}: the CUDA driver answered error {code}, "
            + $"{sentence ?? "which it does not explain"}; use {MessageTerm.Device} cpu if it stays so.");
    }

    [LibraryImport(Library, EntryPoint = "cuInit")]
    public static partial int Initialize(uint flags);

    [LibraryImport(Library, EntryPoint = "cuGetErrorString")]
    public static partial int GetErrorString(int code, out nint text);

    [LibraryImport(Library, EntryPoint = "cuDeviceGet")]
    public static partial int GetDevice(out int device, int index);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetCount")]
    public static partial int CountDevices(out int count);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetName")]
    public static partial int GetDeviceName(byte* name, int length, int device);

    [LibraryImport(Library, EntryPoint = "cuDeviceTotalMem_v2")]
    public static partial int GetTotalMemory(out nuint bytes, int device);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetAttribute")]
    public static partial int GetDeviceAttribute(out int value, int attribute, int device);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetUuid_v2")]
    public static partial int GetDeviceUuid(byte* uuid, int device);

    [LibraryImport(Library, EntryPoint = "cuDeviceCanAccessPeer")]
    public static partial int CanAccessPeer(out int can, int device, int peer);

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

    [LibraryImport(Library, EntryPoint = "cuStreamCreate")]
    public static partial int CreateStream(out nint stream, uint flags);

    [LibraryImport(Library, EntryPoint = "cuStreamSynchronize")]
    public static partial int WaitForStream(nint stream);

    [LibraryImport(Library, EntryPoint = "cuStreamQuery")]
    public static partial int QueryStream(nint stream);

    [LibraryImport(Library, EntryPoint = "cuStreamWaitEvent")]
    public static partial int WaitForEvent(nint stream, nint ordering, uint flags);

    [LibraryImport(Library, EntryPoint = "cuEventCreate")]
    public static partial int CreateEvent(out nint ordering, uint flags);

    [LibraryImport(Library, EntryPoint = "cuEventRecord")]
    public static partial int RecordEvent(nint ordering, nint stream);

    [LibraryImport(Library, EntryPoint = "cuEventSynchronize")]
    public static partial int WaitForHost(nint ordering);

    [LibraryImport(Library, EntryPoint = "cuEventElapsedTime")]
    public static partial int MillisecondsBetween(out float milliseconds, nint earlier, nint later);

    [LibraryImport(Library, EntryPoint = "cuEventDestroy_v2")]
    public static partial int DestroyEvent(nint ordering);

    [LibraryImport(Library, EntryPoint = "cuStreamIsCapturing")]
    public static partial int GetCapture(nint stream, out int status);

    [LibraryImport(Library, EntryPoint = "cuStreamBeginCapture_v2")]
    public static partial int BeginCapture(nint stream, int mode);

    [LibraryImport(Library, EntryPoint = "cuStreamEndCapture")]
    public static partial int EndCapture(nint stream, out nint graph);

    [LibraryImport(Library, EntryPoint = "cuGraphGetNodes")]
    public static partial int GetGraphNodes(nint graph, nint* nodes, ref nuint count);

    [LibraryImport(Library, EntryPoint = "cuGraphInstantiateWithFlags")]
    public static partial int InstantiateGraph(out nint executable, nint graph, ulong flags);

    [LibraryImport(Library, EntryPoint = "cuGraphUpload")]
    public static partial int UploadGraph(nint executable, nint stream);

    [LibraryImport(Library, EntryPoint = "cuGraphLaunch")]
    public static partial int LaunchGraph(nint executable, nint stream);

    [LibraryImport(Library, EntryPoint = "cuGraphDestroy")]
    public static partial int DestroyGraph(nint graph);

    [LibraryImport(Library, EntryPoint = "cuGraphExecDestroy")]
    public static partial int DestroyGraphExecutable(nint executable);

    [LibraryImport(Library, EntryPoint = "cuMemGetAllocationGranularity")]
    public static partial int GetGranularity(out nuint bytes, in CudaAllocation allocation, int option);

    [LibraryImport(Library, EntryPoint = "cuMemCreate")]
    public static partial int Allocate(out ulong memory, nuint bytes, in CudaAllocation allocation, ulong flags);

    [LibraryImport(Library, EntryPoint = "cuMemRelease")]
    public static partial int Release(ulong memory);

    [LibraryImport(Library, EntryPoint = "cuMemAddressReserve")]
    public static partial int ReserveAddress(out nint address, nuint bytes, nuint alignment, nint wish, ulong flags);

    [LibraryImport(Library, EntryPoint = "cuMemAddressFree")]
    public static partial int FreeAddress(nint address, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cuMemMap")]
    public static partial int Map(nint address, nuint bytes, nuint offset, ulong memory, ulong flags);

    [LibraryImport(Library, EntryPoint = "cuMemUnmap")]
    public static partial int Unmap(nint address, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cuMemSetAccess")]
    public static partial int SetAccess(nint address, nuint bytes, CudaAccess* access, nuint count);

    [LibraryImport(Library, EntryPoint = "cuMemsetD8_v2")]
    public static partial int Fill(nint address, byte value, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cuMemAlloc_v2")]
    public static partial int Take(out nint address, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cuMemGetAddressRange_v2")]
    public static partial int GetRange(out nint start, out nuint bytes, nint address);

    [LibraryImport(Library, EntryPoint = "cuIpcGetMemHandle")]
    public static partial int Export(out ProcessMemoryHandle handle, nint address);

    [LibraryImport(Library, EntryPoint = "cuIpcOpenMemHandle_v2")]
    public static partial int Import(out nint address, ProcessMemoryHandle handle, uint flags);

    [LibraryImport(Library, EntryPoint = "cuIpcCloseMemHandle")]
    public static partial int CloseImport(nint address);

    [LibraryImport(Library, EntryPoint = "cuStreamWaitValue32_v2")]
    public static partial int WaitForNumber(nint stream, nint address, uint number, uint flags);

    [LibraryImport(Library, EntryPoint = "cuStreamWriteValue32_v2")]
    public static partial int WriteNumber(nint stream, nint address, uint number, uint flags);

    [LibraryImport(Library, EntryPoint = "cuMemAllocHost_v2")]
    public static partial int AllocatePinned(out nint address, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cuMemFreeHost")]
    public static partial int FreePinned(nint address);

    [LibraryImport(Library, EntryPoint = "cuMemcpyHtoDAsync_v2")]
    public static partial int CopyToDevice(nint device, nint host, nuint bytes, nint stream);

    [LibraryImport(Library, EntryPoint = "cuMemcpyDtoHAsync_v2")]
    public static partial int CopyToHost(nint host, nint device, nuint bytes, nint stream);

    [LibraryImport(Library, EntryPoint = "cuMemcpyDtoDAsync_v2")]
    public static partial int CopyWithin(nint target, nint source, nuint bytes, nint stream);
}
