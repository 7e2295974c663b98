using Crosshead.Files;

namespace Crosshead.Cli.Options;

/// <summary>Checks the place of a file or folder that is to be written.</summary>
internal static class OutputPlace
{
    /// <summary>
    /// Refuses a path at which nothing can be written. The check makes a file in the nearest existing folder above
    /// the path, and removes that file at once. The file's name begins with the first missing part of the path. Missing
    /// folders are made later, when the work is done.
    /// </summary>
    /// <param name="option">The option that names the path, for the message.</param>
    /// <param name="path">A file or folder.</param>
    /// <exception cref="CrossheadException">A folder above the path is a file, cannot be written, or does not accept
    /// the name.</exception>
    public static void RequireWritable(string option, string path)
    {
        var full = Path.GetFullPath(path);
        RefuseDevices(option, path, full);
        var (folder, name) = (Path.GetDirectoryName(full) ?? full, Path.GetFileName(full));
        while (!Directory.Exists(folder))
        {
            if (File.Exists(folder))
                throw new CrossheadException($"{option} \"{path}\" cannot be made: \"{folder}\" "
                    + $"{InputFile.Absence(folder)}, not a folder; name another place.");
            (folder, name) = (Path.GetDirectoryName(folder) ?? Path.GetPathRoot(full)!, Path.GetFileName(folder));
        }
        try
        {
            Probe(folder, name);
        }
        catch (PathTooLongException)
        {
            throw new CrossheadException(
                $"{option} \"{path}\" cannot be made: its name is too long; use a shorter one.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"{option} \"{path}\" cannot be made: the folder \"{folder}\" cannot be "
                + $"written; name another place.", e);
        }
    }

    /// <summary>Refuses a folder that exists and in which nothing can be written.</summary>
    /// <param name="option">The option that names the folder, for the message.</param>
    /// <param name="folder">The folder.</param>
    /// <exception cref="CrossheadException">The folder cannot be written.</exception>
    public static void RequireWritableFolder(string option, string folder)
    {
        RefuseDevices(option, folder, Path.GetFullPath(folder));
        try
        {
            Probe(folder, "place");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"{option} \"{folder}\" cannot be written: let this user write there, or name "
                + "another folder.", e);
        }
    }

    private static void RefuseDevices(string option, string path, string full)
    {
        if (full == "/dev" || full.StartsWith("/dev/", StringComparison.Ordinal))
            throw new CrossheadException(
                $"{option} \"{path}\" is no place for files; name a file or folder on a disk.");
    }

    private static void Probe(string folder, string name)
    {
        using var probe = new FileStream(Path.Combine(folder, $"{name}.{Environment.ProcessId}.tmp"),
            FileMode.Create, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
    }
}
