namespace Crosshead.Runtime.Cuda;

/// <summary>
/// Host memory that the device reads and writes by itself: copies from and to it are queued like kernels, and captured
/// like them.
/// </summary>
internal sealed unsafe class PinnedMemory : IDisposable
{
    private readonly CudaDevice _device;
    private nint _address;

    /// <summary>Takes the memory, all zero.</summary>
    /// <param name="device">Number of the device, as in <c>cuda:n</c>.</param>
    /// <param name="bytes">How much.</param>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    public PinnedMemory(int device, long bytes)
    {
        _device = CudaDevice.Get(device);
        Bytes = bytes;
        using var scope = _device.Enter();
        CudaDriver.Check(CudaDriver.AllocatePinned(out _address, (nuint)bytes),
            $"taking {bytes} bytes of pinned memory");
        new Span<byte>((void*)_address, checked((int)bytes)).Clear();
    }

    /// <summary>How much it is.</summary>
    public long Bytes { get; }

    /// <summary>Where it is, for the host and for all devices.</summary>
    public nint Address => _address;

    /// <summary>The memory as numbers; not to be used after <see cref="Dispose"/>.</summary>
    public Span<T> Of<T>() where T : unmanaged => new((void*)_address, checked((int)(Bytes / sizeof(T))));

    /// <summary>Queues a copy to the device on libtorch's current stream.</summary>
    /// <param name="target">A dense tensor that holds no fewer bytes.</param>
    public void CopyTo(TorchSharp.torch.Tensor target) =>
        CudaDriver.Check(CudaDriver.CopyToDevice(Aten.DataPointer(target), _address, (nuint)Bytes,
            CudaStream.Current(_device.Index)), "copying to the device");

    /// <summary>Queues a copy of as many bytes as fit here from the device on libtorch's current stream.</summary>
    /// <param name="source">A dense tensor that holds no fewer bytes.</param>
    public void CopyFrom(TorchSharp.torch.Tensor source) =>
        CudaDriver.Check(CudaDriver.CopyToHost(_address, Aten.DataPointer(source), (nuint)Bytes,
            CudaStream.Current(_device.Index)), "copying from the device");

    /// <summary>Queues a copy of a whole tensor from the device on libtorch's current stream.</summary>
    /// <param name="source">A dense tensor, which must stay until it is copied.</param>
    /// <param name="offset">Where its bytes go here.</param>
    public void CopyFrom(TorchSharp.torch.Tensor source, long offset)
    {
        var bytes = source.numel() * source.ElementSize;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + bytes, Bytes);
        using var scope = _device.Enter();
        CudaDriver.Check(CudaDriver.CopyToHost(_address + (nint)offset, Aten.DataPointer(source), (nuint)bytes,
            CudaStream.Current(_device.Index)), "copying from the device");
    }

    /// <summary>Waits for what is queued on libtorch's current stream.</summary>
    public void Wait()
    {
        using var scope = _device.Enter();
        CudaDriver.Check(CudaDriver.WaitForStream(CudaStream.Current(_device.Index)), "waiting for a CUDA stream");
    }

    /// <summary>Gives the memory back. Nothing queued may still use it.</summary>
    public void Dispose()
    {
        if (_address == 0) return;
        using var scope = _device.Enter();
        CudaDriver.Check(CudaDriver.FreePinned(_address), "giving pinned memory back");
        _address = 0;
    }
}
