namespace Crosshead.Runtime.Cuda;

/// <summary>
/// Memory of a device that other devices use too. Only this memory is open to them, so that libtorch's stays as fast to
/// take as before.
/// </summary>
internal sealed unsafe class SharedMemory : IDisposable
{
    private readonly CudaDevice _device;
    private readonly nuint _bytes;
    private ulong _memory;
    private nint _address;
    private bool _mapped;

    /// <summary>Takes the memory, all zero.</summary>
    /// <param name="device">The device that has it.</param>
    /// <param name="users">The devices that use it, which reach each other.</param>
    /// <param name="bytes">How much, at least.</param>
    /// <exception cref="CrossheadException">The device has less, or the driver refused.</exception>
    public SharedMemory(CudaDevice device, IReadOnlyList<CudaDevice> users, long bytes)
    {
        _device = device;
        var doing = $"taking {Quantity.Bytes(bytes)} of memory of cuda:{device.Index} that other GPUs use";
        using var scope = device.Enter();
        var allocation = new CudaAllocation(device.Index);
        CudaDriver.Check(CudaDriver.GetGranularity(out var grain, in allocation, 0), doing);
        _bytes = ((nuint)bytes + grain - 1) / grain * grain;
        try
        {
            CudaDriver.Check(CudaDriver.Allocate(out _memory, _bytes, in allocation, 0), doing);
            CudaDriver.Check(CudaDriver.ReserveAddress(out _address, _bytes, 0, 0, 0), doing);
            CudaDriver.Check(CudaDriver.Map(_address, _bytes, 0, _memory, 0), doing);
            _mapped = true;
            var access = stackalloc CudaAccess[users.Count];
            for (var i = 0; i < users.Count; i++) access[i] = new CudaAccess(users[i].Index);
            CudaDriver.Check(CudaDriver.SetAccess(_address, _bytes, access, (nuint)users.Count), doing);
            CudaDriver.Check(CudaDriver.Fill(_address, 0, _bytes), doing);
            CudaDriver.Check(CudaDriver.WaitForStream(0), doing); // others may write at once
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Where it begins, on all devices.</summary>
    public nint Address => _address;

    /// <summary>Gives the memory back. Nothing queued may still use it.</summary>
    public void Dispose()
    {
        var doing = $"giving memory of cuda:{_device.Index} back";
        using var scope = _device.Enter();
        if (_mapped) CudaDriver.Check(CudaDriver.Unmap(_address, _bytes), doing);
        if (_address != 0) CudaDriver.Check(CudaDriver.FreeAddress(_address, _bytes), doing);
        if (_memory != 0) CudaDriver.Check(CudaDriver.Release(_memory), doing);
        (_mapped, _address, _memory) = (false, 0, 0);
    }
}
