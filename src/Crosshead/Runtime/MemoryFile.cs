using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Crosshead.Runtime;

/// <summary>A file in memory only (<c>memfd_create</c>). It needs no clean-up and no writable folder.</summary>
internal sealed partial class MemoryFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    private MemoryFile(SafeFileHandle handle) => _handle = handle;

    /// <summary>The path by which this process can open the file while it is not disposed.</summary>
    public string Path => $"/proc/self/fd/{_handle.DangerousGetHandle()}";

    /// <summary>Creates a file with the given contents.</summary>
    public static MemoryFile Create(ReadOnlySpan<byte> contents)
    {
        var descriptor = MemfdCreate("crosshead", 0);
        if (descriptor < 0)
            throw new CrossheadException($"memfd_create failed with error {Marshal.GetLastPInvokeError()}; a Linux "
                + $"kernel of 3.17 or newer is needed.");
        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        RandomAccess.Write(handle, contents, 0);
        return new MemoryFile(handle);
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8,
        SetLastError = true)]
    private static partial int MemfdCreate(string name, uint flags);
}
