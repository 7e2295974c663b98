namespace Crosshead.Cli.Options;

/// <summary>Paths without symbolic links, by which two names of one place are seen to be one.</summary>
internal static class RealPath
{
    private const int MostLinks = 40; // of a path, as Linux has it

    /// <summary>
    /// The full path of a place, whether there is anything or not. A link that leads nowhere stays as it is.
    /// </summary>
    public static string Of(string path) => Of(Path.GetFullPath(path), MostLinks);

    private static string Of(string path, int links)
    {
        path = Path.TrimEndingDirectorySeparator(path);
        if (Path.GetDirectoryName(path) is not { } parent) return path;
        var here = Path.Combine(Of(parent, links), Path.GetFileName(path));
        try
        {
            return links > 0 && File.ResolveLinkTarget(here, returnFinalTarget: false) is { } target
                ? Of(target.FullName, links - 1) : here;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return here;
        }
    }
}
