namespace Crosshead.Files;

/// <summary>The place of data that can be made again: below <c>XDG_CACHE_HOME</c>, or <c>~/.cache</c>.</summary>
internal static class UserCache
{
    /// <summary>The folder of one kind of data, existing or not.</summary>
    public static string Folder(string kind) => Path.Combine(Root, "crosshead", kind);

    // The XDG Base Directory Specification ignores a path that is not absolute.
    private static string Root =>
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { } named && Path.IsPathRooted(named)
        ? named
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile,
            Environment.SpecialFolderOption.DoNotVerify), ".cache"); // also a home that does not exist yet
}
