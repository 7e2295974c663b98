namespace Crosshead.Data;

/// <summary>Writes a file whole or not at all: aside under a temporary name, flushed to the disk, then renamed.</summary>
internal static class AtomicFile
{
    /// <summary>Writes <paramref name="content"/> to <paramref name="path"/>, replacing what is there.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var aside = path + ".tmp";
        try
        {
            using (var stream = new FileStream(aside, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }
            File.Move(aside, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            try
            {
                File.Delete(aside);
            }
            catch (Exception second) when (second is IOException or UnauthorizedAccessException)
            {
                // The first failure is the one to tell.
            }
            throw new CrossheadException($"cannot write {path}: {e.Message} Free space or choose another place.", e);
        }
    }
}
