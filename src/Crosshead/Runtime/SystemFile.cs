namespace Crosshead.Runtime;

/// <summary>The files in which the system describes itself and this process.</summary>
internal static class SystemFile
{
    /// <summary>
    /// Lines of a file below a root; none if it is missing or may not be read, because an unknown limit cannot be
    /// respected.
    /// </summary>
    public static string[] Lines(string root, string file)
    {
        try
        {
            var path = Path.Combine(root, file);
            return File.Exists(path) ? File.ReadAllLines(path) : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
