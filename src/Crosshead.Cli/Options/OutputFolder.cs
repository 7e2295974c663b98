using Crosshead.Files;

namespace Crosshead.Cli.Options;

/// <summary>A model's folder that is written aside and appears whole, or not at all.</summary>
/// <param name="name">The option, with its dashes.</param>
/// <param name="description">What is written.</param>
internal sealed class OutputFolder(string name, string description) : OutputOption(Required(name, description, "dir"))
{
    private const string AsideEnding = ".tmp";

    /// <inheritdoc/>
    public override IEnumerable<string> Places(string path) => [path];

    /// <inheritdoc/>
    public override void Check(string path, bool overwrite)
    {
        if (File.Exists(path)) throw new CrossheadException($"{Name} \"{path}\" is a file; name a folder.");
        if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())
        {
            if (!overwrite) throw new CrossheadException($"{Name} \"{path}\" exists already; name a new folder, or replace it with {CommandOutputs.OverwriteName}.");
            // A run with its checkpoints, or a home directory, is not to go by one word.
            if (!File.Exists(Path.Combine(path, Checkpoints.HuggingFace.ModelFileNames.Configuration)) || Directory.EnumerateDirectories(path).FirstOrDefault() is not null)
                throw new CrossheadException($"{Name} \"{path}\" holds something else than a model's files, which {CommandOutputs.OverwriteName} does not remove; name a new folder, or remove it yourself.");
        }
        OutputPlace.RequireWritable(Name, Path.TrimEndingDirectorySeparator(path));
    }

    /// <summary>
    /// Takes the folder for this process until it is disposed, and removes what a process that was killed left beside it: only
    /// who holds the folder writes there.
    /// </summary>
    /// <exception cref="CrossheadException">Another process holds it, or it cannot be made.</exception>
    public static FolderLock Hold(string path)
    {
        var held = FolderLock.Take(path);
        try
        {
            var target = Target(path);
            foreach (var folder in Directory.EnumerateDirectories(Path.GetDirectoryName(target)!).Where(f => IsAside(f, target))) Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What cannot be removed stays.
        }
        return held;
    }

    /// <summary>Writes the folder's files aside, then gives it its name.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="write">Writes all files into the folder that it is given.</param>
    /// <exception cref="CrossheadException">The disk is full or cannot be written; nothing is left behind, and what was there before is as it was.</exception>
    public static void Write(string path, Action<string> write)
    {
        var target = Target(path);
        var (aside, before) = ($"{target}.{Environment.ProcessId}{AsideEnding}", $"{target}.{Environment.ProcessId}.old");
        try
        {
            Directory.CreateDirectory(aside);
            write(aside);
            if (Directory.Exists(target)) Directory.Move(target, before);
            Directory.Move(aside, target);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"\"{target}\" was not written: {e.Message.TrimEnd('.')}; free space or name another folder.", e);
        }
        finally
        {
            if (Directory.Exists(aside)) Directory.Delete(aside, recursive: true);
            if (Directory.Exists(before))
            {
                if (Directory.Exists(target)) Directory.Delete(before, recursive: true);
                else Directory.Move(before, target);
            }
        }
    }

    private static string Target(string path) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));

    // "model.1234.tmp" is beside "model".
    private static bool IsAside(string folder, string target) =>
        folder.Length > target.Length + 1 + AsideEnding.Length && folder.StartsWith(target + ".", StringComparison.Ordinal) && folder.EndsWith(AsideEnding, StringComparison.Ordinal)
        && folder[(target.Length + 1)..^AsideEnding.Length].All(char.IsAsciiDigit);
}
