namespace Crosshead.Files;

/// <summary>
/// A folder that one process makes: it is written aside and then appears whole, or not at all. What was there before
/// stays until then.
/// </summary>
public sealed class NewFolder : IDisposable
{
    private const string AsideEnding = ".tmp";

    private readonly string _target;
    private readonly FolderLock _held;

    private NewFolder(string target, FolderLock held) => (_target, _held) = (target, held);

    /// <summary>
    /// Takes the folder for this process, and removes what a process that was killed left beside it: only the process
    /// that holds the folder writes there.
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

    /// <summary>Writes the folder's files aside, then gives it its name. A folder of that name is replaced.</summary>
    /// <param name="write">Writes all files into the folder that it is given.</param>
    /// <exception cref="CrossheadException">
    /// The disk is full or cannot be written; nothing is left behind, and what was there before is as it was.
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
            throw new CrossheadException(
                $"\"{_target}\" was not written: {e.Message.TrimEnd('.')}; free space or name another folder.", e);
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
    }

    /// <summary>Lets the folder go; folders that were made for nothing go too.</summary>
    public void Dispose() => _held.Dispose();

    // "model.1234.tmp" is beside "model".
    private static bool IsAside(string folder, string target) =>
        folder.Length > target.Length + 1 + AsideEnding.Length
        && folder.StartsWith(target + ".", StringComparison.Ordinal)
        && folder.EndsWith(AsideEnding, StringComparison.Ordinal)
        && folder[(target.Length + 1)..^AsideEnding.Length].All(char.IsAsciiDigit);
}
