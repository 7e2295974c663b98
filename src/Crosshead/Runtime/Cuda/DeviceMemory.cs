namespace Crosshead.Runtime.Cuda;

/// <summary>Memory of a device that other devices may use too, beside libtorch's.</summary>
internal sealed class DeviceMemory : IDisposable
{
    private readonly CudaDevice _device;

    /// <summary>Takes the memory, all zero.</summary>
    /// <param name="device">The device.</param>
    /// <param name="bytes">How much.</param>
    /// <exception cref="CrossheadException">The device has less, or the driver refused.</exception>
    public DeviceMemory(CudaDevice device, long bytes)
    {
        _device = device;
        using var scope = device.Enter();
        CudaDriver.Check(CudaDriver.Allocate(out var address, (nuint)bytes),
            $"taking {Quantity.Bytes(bytes)} of memory of cuda:{device.Index}");
        Address = address;
        CudaDriver.Check(CudaDriver.Fill(address, 0, (nuint)bytes), $"clearing memory of cuda:{device.Index}");
    }

    /// <summary>Where it begins.</summary>
    public nint Address { get; private set; }

    /// <summary>Gives the memory back. Nothing queued may still use it.</summary>
    public void Dispose()
    {
        if (Address == 0) return;
        using var scope = _device.Enter();
        CudaDriver.Check(CudaDriver.Free(Address), $"giving memory of cuda:{_device.Index} back");
        Address = 0;
    }
}
