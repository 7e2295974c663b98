using System.Runtime.InteropServices;
using Crosshead.Runtime.Cuda;

namespace Crosshead.Runtime.Distributed;

/// <summary>Memory of a GPU as its rank describes it to the other ranks of the host.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PeerAddress
{
    // What a process tells from all others. Within one process memory needs no handle, and must not have one.
    private static readonly Guid ThisProcess = Guid.NewGuid();

    private Guid _process;
    private nint _address;
    private long _offset; // of the address in the allocation that the handle names
    private ProcessMemoryHandle _handle;
    private int _device, _isKnown;

    /// <summary>Describes memory; what cannot be described is not opened.</summary>
    /// <param name="device">The device that has it, whose context is current.</param>
    /// <param name="address">Where it begins; 0 for none.</param>
    public static PeerAddress Of(CudaDevice device, nint address) =>
        address != 0 && CudaDriver.GetRange(out var start, out _, address) == 0
        && CudaDriver.Export(out var handle, address) == 0
            ? new PeerAddress
            {
                _process = ThisProcess,
                _address = address,
                _offset = address - start,
                _handle = handle,
                _device = device.Index,
                _isKnown = 1,
            }
            : default;

    /// <summary>Makes the memory usable for the device whose context is current.</summary>
    /// <param name="imported">What is to be closed in the end; 0 for nothing.</param>
    /// <returns>Where it is in this process; 0 if it cannot be reached.</returns>
    public readonly nint Open(out nint imported)
    {
        imported = 0;
        if (_isKnown == 0) return 0;
        if (_process == ThisProcess)
            return CudaDriver.EnablePeerAccess(CudaDevice.Get(_device).Context, 0) is 0 or CudaDriver.IsPeerAlready
                ? _address : 0;
        return CudaDriver.Import(out imported, _handle, CudaDriver.PeerImport) == 0 ? imported + (nint)_offset : 0;
    }
}
