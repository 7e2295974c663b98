namespace Crosshead.Files;

/// <summary>
/// A folder that one process makes. It is written under a temporary name, and then appears completely or not at all. An
/// earlier folder stays until then.
/// </summary>
public sealed class NewFolder : IDisposable
{
    private const string AsideEnding = ".tmp";

    private readonly string _target;
    private readonly FolderLock _held;

    private NewFolder(string target, FolderLock held) => (_target, _held) = (target, held);

    /// <summary>Refuses a file where a folder is to be.</summary>
    /// <param name="what">What messages call the folder, with its path.</param>
    /// <param name="path">The folder, which need not exist.</param>
    /// <exception cref="CrossheadException">There is a file.</exception>
    public static void RefuseFile(string what, string path)
    {
        if (File.Exists(path)) throw new CrossheadException($"{what} {InputFile.Absence(path)}; name a folder.");
    }

    /// <summary>Makes a folder, and those above it that are missing.</summary>
    /// <param name="path">The folder, which may exist.</param>
    /// <exception cref="CrossheadException">It cannot be made.</exception>
    internal static void Make(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException(
                $"the folder \"{path}\" cannot be made: {e.Reason()}; name another one.", e);
        }
    }

    /// <summary>
    /// Locks the folder for this process, and removes the temporary folders of killed processes beside it. Only the
    /// process with the lock writes there.
    /// </summary>
    /// <param name="path">The folder, which need not exist.</param>
    /// <exception cref="CrossheadException">Another process holds it, or it cannot be made.</exception>
    public static NewFolder Hold(string path)
    {
        var held = FolderLock.Take(path);
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        try
        {
            foreach (var folder in Directory.EnumerateDirectories(Path.GetDirectoryName(target)!)
                .Where(f => IsAside(f, target)))
                Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What cannot be removed stays.
        }
        return new NewFolder(target, held);
    }

    /// <summary>Writes the files into a temporary folder, and renames it. An existing folder is replaced.</summary>
    /// <param name="write">Writes all files into the given folder.</param>
    /// <exception cref="CrossheadException">
    /// The disk is full or not writable. Nothing is left behind, and an earlier folder is unchanged.
    /// </exception>
    public void Write(Action<string> write)
    {
        var (aside, before) = ($"{_target}.{Environment.ProcessId}{AsideEnding}",
            $"{_target}.{Environment.ProcessId}.old");
        try
        {
            Directory.CreateDirectory(aside);
            write(aside);
            if (Directory.Exists(_target)) Directory.Move(_target, before);
            Directory.Move(aside, _target);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"\"{_target}\" was not written: {Told(e.Reason())}; free space "
                + "or name another folder.", e);
        }
        catch (CrossheadException e) when (e.Message.Contains(aside, StringComparison.Ordinal))
        {
            throw new CrossheadException(Told(e.Message), e);
        }
        finally
        {
            if (Directory.Exists(aside)) Directory.Delete(aside, recursive: true);
            if (Directory.Exists(before))
            {
                if (Directory.Exists(_target)) Directory.Delete(before, recursive: true);
                else Directory.Move(before, _target);
            }
        }

        // The user does not know the temporary folder.
        string Told(string message) => message.Replace(aside, _target, StringComparison.Ordinal);
    }

    /// <summary>Unlocks the folder, and removes folders that were created and stayed empty.</summary>
    public void Dispose() => _held.Dispose();

    // "model.1234.tmp" is beside "model".
    private static bool IsAside(string folder, string target) =>
        folder.Length > target.Length + 1 + AsideEnding.Length
        && folder.StartsWith(target + ".", StringComparison.Ordinal)
        && folder.EndsWith(AsideEnding, StringComparison.Ordinal)
        && folder[(target.Length + 1)..^AsideEnding.Length].All(char.IsAsciiDigit);
}
