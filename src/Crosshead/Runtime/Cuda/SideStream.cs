using System.Collections.Concurrent;

namespace Crosshead.Runtime.Cuda;

/// <summary>
/// A stream beside the default one, on which work can be captured; it has one user at a time. Streams are handed on and
/// never destroyed: libtorch keeps the memory that was taken on a stream for that stream.
/// </summary>
internal sealed class SideStream : IDisposable
{
    private static readonly ConcurrentDictionary<int, ConcurrentBag<nint>> Idle = new();

    private readonly CudaDevice _device;
    private bool _returned;

    private SideStream(CudaDevice device, nint handle) => (_device, Handle) = (device, handle);

    /// <summary>The stream, for the driver.</summary>
    public nint Handle { get; }

    /// <summary>Takes a stream for oneself.</summary>
    /// <param name="device">Number of the device, as in <c>cuda:n</c>.</param>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    public static SideStream Rent(int device)
    {
        var owner = CudaDevice.Get(device);
        if (Idle.GetOrAdd(device, _ => []).TryTake(out var idle)) return new SideStream(owner, idle);
        using var scope = owner.Enter();
        CudaDriver.Check(CudaDriver.CreateStream(out var handle, CudaDriver.NonBlockingStream),
            "creating a CUDA stream");
        return new SideStream(owner, handle);
    }

    /// <summary>
    /// Makes this the stream on which libtorch and our kernels queue the work of this thread, while the scope lasts.
    /// </summary>
    /// <exception cref="LibTorchException">libtorch refused.</exception>
    public StreamScope Enter() => new(Handle, _device.Index);

    /// <summary>Waits until all that was queued here has been done.</summary>
    /// <exception cref="CrossheadException">Something queued failed.</exception>
    public void Wait()
    {
        using var scope = _device.Enter();
        CudaDriver.Check(CudaDriver.WaitForStream(Handle), "waiting for a CUDA stream");
    }

    /// <summary>Whether all that was queued here has been done; a failure counts as not done.</summary>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    public bool IsDone()
    {
        using var scope = _device.Enter();
        return CudaDriver.QueryStream(Handle) == 0;
    }

    /// <summary>Hands the stream on, once what was queued is done.</summary>
    public void Dispose()
    {
        if (_returned) return;
        _returned = true;
        Wait();
        Idle[_device.Index].Add(Handle);
    }
}
