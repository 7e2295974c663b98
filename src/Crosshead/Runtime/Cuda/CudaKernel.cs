using System.Collections.Concurrent;

namespace Crosshead.Runtime.Cuda;

/// <summary>A kernel on a device, ready to be launched. Kernels stay loaded as long as the process lives.</summary>
internal sealed unsafe class CudaKernel
{
    private const int SharedBytesOfAll = 48 << 10; // what every kernel may use without asking

    private static readonly ConcurrentDictionary<Identity, Lazy<CudaKernel>> Loaded = new();

    private readonly string _name;
    private readonly nint _function;
    private readonly Lock _growing = new();
    private volatile int _sharedLimit = SharedBytesOfAll;

    private CudaKernel(CudaDevice device, string name, nint function) =>
        (Device, _name, _function) = (device, name, function);

    /// <summary>The device the kernel runs on.</summary>
    public CudaDevice Device { get; }

    /// <summary>
    /// The kernel <paramref name="function"/> of <paramref name="source"/>; compiled and loaded on the first call.
    /// </summary>
    /// <param name="device">Number of the device, as in <c>cuda:n</c>.</param>
    /// <param name="source">CUDA C++ in which the kernel is <c>extern "C" __global__</c>.</param>
    /// <param name="function">The kernel's name.</param>
    /// <param name="defines">Macros: <c>NAME</c> or <c>NAME=value</c>.</param>
    /// <exception cref="CrossheadException">There is no such device, no NVRTC, or the source does not
    /// compile.</exception>
    public static CudaKernel Load(int device, string source, string function, IReadOnlyList<string> defines) =>
        Loaded.GetOrAdd(new Identity(device, source, function, string.Join('\n', defines)),
            identity => new Lazy<CudaKernel>(() => Make(identity, defines))).Value;

    /// <summary>
    /// Queues the kernel on libtorch's current stream of the device. Tensors whose addresses are among the arguments
    /// must live until this returns.
    /// </summary>
    /// <param name="grid">Blocks along each axis.</param>
    /// <param name="threads">Threads of a block.</param>
    /// <param name="sharedBytes">Dynamic shared memory of a block, in bytes.</param>
    /// <param name="arguments">The kernel's parameters, in order and of its types.</param>
    /// <param name="cluster">Blocks along x that read each other's shared memory, at most 8; more than 1 where the
    /// device <see cref="CudaDevice.HasClusters"/>.</param>
    /// <param name="early">Whether the kernel may be launched before the previous one is done, because it waits for
    /// that kernel itself (<c>griddepcontrol.wait</c>, in every thread). Without effect before compute capability
    /// 9.0.</param>
    /// <exception cref="CrossheadException">The driver refused the launch.</exception>
    public void Launch((int X, int Y, int Z) grid, int threads, int sharedBytes, ReadOnlySpan<KernelArgument> arguments,
        int cluster = 1, bool early = false)
    {
        using var scope = Device.Enter();
        AllowShared(sharedBytes);
        var attributes = stackalloc CudaLaunchAttribute[2];
        var count = 0u;
        if (cluster > 1) attributes[count++] = CudaLaunchAttribute.Cluster(cluster);
        if (early && Device.HasClusters) attributes[count++] = CudaLaunchAttribute.Early;
        var launch = new CudaLaunch
        {
            GridX = (uint)grid.X,
            GridY = (uint)grid.Y,
            GridZ = (uint)grid.Z,
            BlockX = (uint)threads,
            BlockY = 1,
            BlockZ = 1,
            SharedBytes = (uint)sharedBytes,
            Stream = CudaStream.Current(Device.Index),
            Attributes = attributes,
            AttributeCount = count,
        };
        fixed (KernelArgument* storage = arguments)
        {
            var addresses = stackalloc void*[arguments.Length];
            for (var i = 0; i < arguments.Length; i++) addresses[i] = storage + i;
            var code = CudaDriver.Launch(&launch, _function, addresses, null);
            if (code != 0)
                CudaDriver.Check(code, $"launching kernel {_name} on {grid.X} x {grid.Y} x {grid.Z} blocks of "
                    + $"{threads} threads with {sharedBytes} bytes of shared memory");
        }
    }

    /// <summary>Number of blocks that a multiprocessor runs at once; 0 if a block does not fit.</summary>
    /// <param name="threads">Threads of a block.</param>
    /// <param name="sharedBytes">Dynamic shared memory of a block, in bytes.</param>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    public int BlocksPerMultiprocessor(int threads, int sharedBytes)
    {
        using var scope = Device.Enter();
        AllowShared(sharedBytes);
        CudaDriver.Check(CudaDriver.GetActiveBlocks(out var blocks, _function, threads, (nuint)sharedBytes),
            $"asking how many blocks of kernel {_name} fit");
        return blocks;
    }

    /// <summary>
    /// Number of clusters of <paramref name="cluster"/> blocks that the device runs at once; 0 if a cluster does not
    /// fit.
    /// </summary>
    /// <param name="cluster">Blocks of a cluster, at most 8.</param>
    /// <param name="threads">Threads of a block.</param>
    /// <param name="sharedBytes">Dynamic shared memory of a block, in bytes.</param>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    public int ClustersAtOnce(int cluster, int threads, int sharedBytes)
    {
        using var scope = Device.Enter();
        AllowShared(sharedBytes);
        var attribute = CudaLaunchAttribute.Cluster(cluster);
        var launch = new CudaLaunch
        {
            GridX = (uint)cluster,
            GridY = 1,
            GridZ = 1,
            BlockX = (uint)threads,
            BlockY = 1,
            BlockZ = 1,
            SharedBytes = (uint)sharedBytes,
            Attributes = &attribute,
            AttributeCount = 1,
        };
        CudaDriver.Check(CudaDriver.GetActiveClusters(out var clusters, _function, &launch),
            $"asking how many clusters of kernel {_name} fit");
        return clusters;
    }

    private static CudaKernel Make(Identity identity, IReadOnlyList<string> defines)
    {
        var device = CudaDevice.Get(identity.Device);
        string[] options = [$"--gpu-architecture={device.ComputeCapability}", "--std=c++17", "-default-device",
            .. defines.Select(d => $"-D{d}")];
        if (NvrtcLibrary.HeaderFolder(LibTorch.Folder) is { } headers)
            options = [.. options, $"--include-path={headers}"];
        var cubin = KernelCache.User.Get(identity.Source, options, Nvrtc.Version,
            () => Nvrtc.Compile(identity.Source, $"{identity.Function}.cu", options));

        using var scope = device.Enter();
        CudaDriver.Check(CudaDriver.LoadModule(out var module, cubin), $"loading kernel {identity.Function}");
        CudaDriver.Check(CudaDriver.GetFunction(out var function, module, identity.Function),
            $"finding kernel {identity.Function}");
        return new CudaKernel(device, identity.Function, function);
    }

    private void AllowShared(int bytes)
    {
        if (bytes <= _sharedLimit) return;
        lock (_growing) // the limit only grows: a launch that another thread is about to make keeps what it asked for
        {
            if (bytes <= _sharedLimit) return;
            CudaDriver.Check(CudaDriver.SetFunctionAttribute(_function, CudaDriver.MaxDynamicSharedBytes, bytes),
                $"giving blocks of kernel {_name} {bytes} bytes of shared memory, where the device has "
                    + $"{Device.SharedMemoryPerBlock}");
            _sharedLimit = bytes;
        }
    }

    // The source is compared but not hashed: it is long, and nearly always the same string.
    private readonly record struct Identity(int Device, string Source, string Function, string Defines)
    {
        public override int GetHashCode() => HashCode.Combine(Device, Function, Defines);
    }
}
