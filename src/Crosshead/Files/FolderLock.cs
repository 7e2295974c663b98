using System.Runtime.InteropServices;

namespace Crosshead.Files;

/// <summary>
/// A folder that only one process writes at a time. The lock is on the folder itself (flock) and leaves no file. It
/// ends with the process, however the process ends. Without locks in the file system there is no lock.
/// </summary>
public sealed partial class FolderLock : IDisposable
{
    private const int CloseOnExec = 0x80000, Exclusive = 2, AtOnce = 4, Release = 8, WouldBlock = 11;

    private readonly IReadOnlyList<string> _made;
    private int _descriptor;

    private FolderLock(IReadOnlyList<string> made, int descriptor) => (_made, _descriptor) = (made, descriptor);

    /// <summary>Locks a folder, which is created if it does not exist.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="CrossheadException">Another process, or another part of this one, holds it; or it cannot be
    /// made.</exception>
    public static FolderLock Take(string folder)
    {
        var made = new List<string>(); // the folder and those above it
        for (var path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)); path is not null
            && !Directory.Exists(path); path = Path.GetDirectoryName(path))
            made.Add(path);
        NewFolder.Make(folder);
        var descriptor = Open(folder, CloseOnExec);
        if (descriptor >= 0 && Lock(descriptor, Exclusive | AtOnce) != 0 && Marshal.GetLastPInvokeError() == WouldBlock)
        {
            _ = Close(descriptor);
            throw new CrossheadException(
                $"\"{folder}\" is being written by another run; wait for its end or stop it, or name another folder.");
        }
        return new FolderLock(made, descriptor);
    }

    /// <summary>Unlocks the folder, and removes folders that were created and stayed empty.</summary>
    public void Dispose()
    {
        if (_descriptor < 0) return;
        try
        {
            foreach (var folder in _made.TakeWhile(
                f => Directory.Exists(f) && !Directory.EnumerateFileSystemEntries(f).Any()))
                Directory.Delete(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // An empty folder stays.
        }
        // A process that was just started may still share the descriptor. So the lock is released explicitly, and not
        // with the last copy.
        _ = Lock(_descriptor, Release);
        _ = Close(_descriptor);
        _descriptor = -1;
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Lock(int descriptor, int operation);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
