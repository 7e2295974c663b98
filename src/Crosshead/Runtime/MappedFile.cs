using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Crosshead.Runtime;

/// <summary>
/// A file's bytes as memory. The map is private: pages come from the system's file cache, and a page that is written to
/// becomes this process's own copy, so that the file never changes. It is unmapped when the handle is disposed and
/// every tensor over it (<see cref="MappedTensor"/>) is gone.
/// </summary>
internal sealed unsafe partial class MappedFile : SafeHandle
{
    // Without reserved memory: a model larger than the memory may be mapped, because hardly any page is written to.
    private const int ReadAndWrite = 1 | 2, PrivateWithoutReserve = 2 | 0x4000;
    private const nint Failed = -1;

    private MappedFile(nint address, long length) : base(Failed, ownsHandle: true)
    {
        SetHandle(address);
        Length = length;
    }

    /// <summary>Bytes of the map.</summary>
    public long Length { get; }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == Failed;

    /// <summary>
    /// Maps the first <paramref name="length"/> bytes of an open file, which must be that long. The file may be closed
    /// afterwards.
    /// </summary>
    /// <exception cref="IOException">The system refuses.</exception>
    public static MappedFile Open(SafeFileHandle file, long length)
    {
        var address = Map(0, (nuint)length, ReadAndWrite, PrivateWithoutReserve, file, 0);
        if (address == Failed) throw new IOException($"mmap of {length} bytes: {Marshal.GetLastPInvokeErrorMessage()}");
        return new MappedFile(address, length);
    }

    /// <summary>The bytes at <paramref name="offset"/>; valid while the handle is not disposed.</summary>
    public byte* At(long offset)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        return (byte*)handle + offset;
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => Unmap(handle, (nuint)Length) == 0;

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint length, int protection, int flags,
        SafeFileHandle file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);
}
