namespace Crosshead.Cli;

/// <summary>A folder that is written aside and appears whole, or not at all.</summary>
internal sealed class NewFolder
{
    private readonly string _path;

    /// <summary>Names the folder; nothing is written before <see cref="Write"/>.</summary>
    /// <exception cref="CrossheadException">There is something already.</exception>
    public NewFolder(string path)
    {
        _path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (File.Exists(_path) || (Directory.Exists(_path) && Directory.EnumerateFileSystemEntries(_path).Any()))
            throw new CrossheadException($"--out \"{path}\" exists already; name a new folder, or remove it.");
    }

    /// <summary>Writes the folder's files aside, then gives it its name.</summary>
    /// <exception cref="CrossheadException">The disk is full or cannot be written; nothing is left behind.</exception>
    public void Write(Action<string> write)
    {
        var aside = $"{_path}.{Environment.ProcessId}.tmp";
        try
        {
            Directory.CreateDirectory(aside);
            write(aside);
            if (Directory.Exists(_path)) Directory.Delete(_path);
            Directory.Move(aside, _path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"\"{_path}\" was not written: {e.Message.TrimEnd('.')}; free space or name another folder.", e);
        }
        finally
        {
            if (Directory.Exists(aside)) Directory.Delete(aside, recursive: true);
        }
    }
}
