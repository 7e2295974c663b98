using System.Runtime.InteropServices;

namespace Crosshead.Files;

/// <summary>
/// Writes files so that a reader, or a run after a crash, sees the old contents or the new, never a part.
/// </summary>
public static partial class AtomicFile
{
    /// <summary>
    /// Writes to a temporary file, flushes it to the disk and renames it. Missing folders are created.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="write">Writes the contents.</param>
    /// <exception cref="CrossheadException">The disk is full or the folder cannot be written; nothing was
    /// changed.</exception>
    public static void Write(string path, Action<FileStream> write)
    {
        var aside = AsidePath.Of(path);
        AsidePath.Clean(path);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            // Shared, because other ranks may write parts of it.
            using (var stream = new FileStream(aside, FileMode.Create, FileAccess.Write, FileShare.ReadWrite, 1 << 20))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(aside, path, overwrite: true);
            FlushFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Discard(aside);
            throw new CrossheadException($"\"{path}\" was not written: {AsidePath.Reason(e, path)}; free space or name "
                + $"another folder. What was there before is unchanged.", e);
        }
        catch
        {
            Discard(aside);
            throw;
        }
    }

    /// <summary>Writes a text file in UTF-8; see <see cref="Write"/>.</summary>
    public static void WriteText(string path, string text) =>
        Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));

    /// <summary>
    /// Flushes a folder to the disk. Only then do new and removed names in it survive a power failure.
    /// </summary>
    internal static void FlushFolder(string folder)
    {
        var descriptor = Open(folder, 0);
        if (descriptor < 0) return;
        _ = Flush(descriptor);
        _ = Close(descriptor);
    }

    private static void Discard(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The file that could not be written may not exist.
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
