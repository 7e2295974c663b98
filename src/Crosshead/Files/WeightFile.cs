using Microsoft.Win32.SafeHandles;

namespace Crosshead.Files;

/// <summary>Opens files that hold weights.</summary>
internal static class WeightFile
{
    /// <summary>Opens a file and reads its header.</summary>
    /// <param name="path">The file.</param>
    /// <param name="ending">The usual ending of such files, for messages.</param>
    /// <param name="read">Reads the header. It owns the file if it returns.</param>
    /// <exception cref="CrossheadException">The file is missing, empty, no regular file, or cannot be read.</exception>
    public static T Open<T>(string path, string ending, Func<SafeFileHandle, T> read)
    {
        if (!File.Exists(path))
            throw new CrossheadException($"\"{path}\" {InputFile.Absence(path)}; name a {ending} file.");
        SafeFileHandle? file = null;
        try
        {
            file = File.OpenHandle(InputFile.Regular(path, $"name a {ending} file"));
            if (RandomAccess.GetLength(file) == 0)
                throw new CrossheadException($"\"{path}\" cannot be read: it has 0 bytes; name a {ending} file.");
            return read(file);
        }
        catch (CrossheadException)
        {
            file?.Dispose();
            throw;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            throw new CrossheadException(
                $"\"{path}\" cannot be read: {e.Reason()}; check the file and its permissions.", e);
        }
    }
}
