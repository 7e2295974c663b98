using System.Text.RegularExpressions;

namespace Crosshead.Files;

/// <summary>
/// The temporary place of a file before it gets its name: beside it, as <c>NAME.PROCESS.tmp</c>, locked while it is
/// written. Files that a killed process left are not locked.
/// </summary>
internal static partial class AsidePath
{
    /// <summary>The name for this process.</summary>
    public static string Of(string path) => $"{path}.{Environment.ProcessId}.tmp";

    /// <summary>Removes temporary files that killed processes left.</summary>
    public static void Clean(string path)
    {
        var (folder, name) = (Path.GetDirectoryName(Path.GetFullPath(path)), Path.GetFileName(path));
        if (!Directory.Exists(folder)) return;
        foreach (var entry in new DirectoryInfo(folder).EnumerateFiles($"{name}.*.tmp",
            new EnumerationOptions { IgnoreInaccessible = true, AttributesToSkip = 0 }))
            if (entry.Name.StartsWith(name, StringComparison.Ordinal) && Ending().IsMatch(entry.Name[name.Length..]))
                Remove(entry);
    }

    /// <summary>The reason why writing failed, without the temporary name, which the user does not know.</summary>
    public static string Reason(Exception failure, string path)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path));
        return failure is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException
            ? $"the folder \"{folder}\" {(Directory.Exists(folder) ? "takes no files" : "does not exist")}"
            : failure.Reason();
    }

    private static void Remove(FileInfo entry)
    {
        try
        {
            using var held = new FileStream(entry.FullName, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            entry.Delete();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another process is writing it, or it may not be removed: it stays.
        }
    }

    [GeneratedRegex(@"^\.\d+\.tmp$", RegexOptions.CultureInvariant)]
    private static partial Regex Ending();
}
