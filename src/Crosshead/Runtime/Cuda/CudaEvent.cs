namespace Crosshead.Runtime.Cuda;

/// <summary>
/// Orders streams of a device among each other, and tells times. The host waits only where it asks to.
/// </summary>
internal sealed class CudaEvent : IDisposable
{
    private readonly CudaDevice _device;
    private nint _handle;

    /// <summary>Creates the event.</summary>
    /// <param name="device">Whose streams it orders.</param>
    /// <param name="timed">Whether it keeps the time of its mark.</param>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    public CudaEvent(CudaDevice device, bool timed = false)
    {
        _device = device;
        using var scope = device.Enter();
        CudaDriver.Check(CudaDriver.CreateEvent(out _handle, timed ? 0 : CudaDriver.OrderingEvent),
            "creating a CUDA event");
    }

    /// <summary>
    /// Makes what <paramref name="later"/> is given from now on wait for what <paramref name="earlier"/> was given so
    /// far.
    /// </summary>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    public void Order(nint earlier, nint later)
    {
        Record(earlier);
        HoldUp(later);
    }

    /// <summary>Marks the end of what a stream was given so far.</summary>
    /// <param name="stream">The stream.</param>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    public void Record(nint stream)
    {
        using var scope = _device.Enter();
        CudaDriver.Check(CudaDriver.RecordEvent(_handle, stream), "marking the end of a CUDA stream");
    }

    /// <summary>Makes what a stream is given from now on wait for the mark.</summary>
    /// <param name="stream">The stream.</param>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    public void HoldUp(nint stream)
    {
        using var scope = _device.Enter();
        CudaDriver.Check(CudaDriver.WaitForEvent(stream, _handle, 0), "making a CUDA stream wait for another");
    }

    /// <summary>Waits until the stream has passed the mark.</summary>
    /// <exception cref="CrossheadException">The driver refused, or something queued before the mark failed.</exception>
    public void Wait()
    {
        using var scope = _device.Enter();
        CudaDriver.Check(CudaDriver.WaitForHost(_handle), "waiting for the mark of a CUDA stream");
    }

    /// <summary>Seconds from the mark of another event to this one's; both are timed, and their streams have passed
    /// them.</summary>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    public double SecondsSince(CudaEvent earlier)
    {
        using var scope = _device.Enter();
        CudaDriver.Check(CudaDriver.MillisecondsBetween(out var time, earlier._handle, _handle),
            "asking for the time between two CUDA events");
        return time / 1e3;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_handle == 0) return;
        using var scope = _device.Enter();
        CudaDriver.Check(CudaDriver.DestroyEvent(_handle), "giving a CUDA event back");
        _handle = 0;
    }
}
