namespace Crosshead.Files;

/// <summary>Where things are kept that can be made again: below <c>XDG_CACHE_HOME</c>, or <c>~/.cache</c>.</summary>
internal static class UserCache
{
    /// <summary>The folder of one kind of things, existing or not.</summary>
    public static string Folder(string kind) => Path.Combine(Root, "crosshead", kind);

    // A path that is not absolute is no such folder, says the XDG Base Directory Specification.
    private static string Root => Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { } named && Path.IsPathRooted(named)
        ? named
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
}
