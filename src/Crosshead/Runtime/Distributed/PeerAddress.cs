using System.Runtime.InteropServices;
using Crosshead.Runtime.Cuda;

namespace Crosshead.Runtime.Distributed;

/// <summary>Memory of a GPU as its rank describes it to the other ranks of the host.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PeerAddress
{
    // Tells this process from all others.
    private static readonly Guid ThisProcess = Guid.NewGuid();

    private Guid _process;
    private long _offset; // of the address in the allocation that the handle names
    private ProcessMemoryHandle _handle;
    private int _isKnown;

    /// <summary>Describes memory of the device whose context is current; what cannot be described is not opened.
    /// </summary>
    /// <param name="address">Where it begins; 0 for none.</param>
    public static PeerAddress Of(nint address) =>
        address != 0 && CudaDriver.GetRange(out var start, out _, address) == 0
        && CudaDriver.Export(out var handle, address) == 0
            ? new PeerAddress
            {
                _process = ThisProcess,
                _offset = address - start,
                _handle = handle,
                _isKnown = 1,
            }
            : default;

    /// <summary>Makes the memory usable for the device whose context is current.</summary>
    /// <param name="imported">What is to be closed in the end; 0 for nothing.</param>
    /// <returns>Where it is in this process; 0 if it cannot be reached.</returns>
    public readonly nint Open(out nint imported)
    {
        imported = 0;
        // Devices of one process would have to be opened to each other as a whole, and wait for each other then
        // whenever memory is taken.
        if (_isKnown == 0 || _process == ThisProcess) return 0;
        return CudaDriver.Import(out imported, _handle, CudaDriver.PeerImport) == 0 ? imported + (nint)_offset : 0;
    }
}
