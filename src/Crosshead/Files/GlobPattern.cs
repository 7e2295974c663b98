using System.Text.RegularExpressions;

namespace Crosshead.Files;

/// <summary>File patterns: * and ? match within a name, ** any number of folders.</summary>
internal static class GlobPattern
{
    private static readonly EnumerationOptions Everything = new() { IgnoreInaccessible = true, AttributesToSkip = 0 };

    /// <summary>The matching files, in ordinal order. Only folders of the pattern are read.</summary>
    /// <param name="pattern">The pattern; the folders before its first wildcard are used unchanged.</param>
    public static IReadOnlyList<string> Expand(string pattern)
    {
        var normal = pattern.Replace('\\', '/');
        var fixedPart = normal[..(normal[..normal.AsSpan().IndexOfAny('*', '?')].LastIndexOf('/') + 1)];
        return [.. Below(fixedPart, normal[fixedPart.Length..].Split('/', StringSplitOptions.RemoveEmptyEntries))
            .Distinct().Order(StringComparer.Ordinal)];
    }

    // The folder is empty or ends with a slash.
    private static IEnumerable<string> Below(string folder, ReadOnlyMemory<string> names)
    {
        var directory = new DirectoryInfo(folder.Length == 0 ? "." : folder);
        if (!directory.Exists)
            return [];
        var rest = names[1..];
        if (names.Span[0] == "**" && !rest.IsEmpty) // a link could lead around in circles
            return Below(folder, rest).Concat(directory.EnumerateDirectories("*", Everything)
                .Where(child => child.LinkTarget is null).SelectMany(child => Below($"{folder}{child.Name}/", names)));
        var name = new Regex($"^{Regex.Escape(names.Span[0]).Replace("\\*", ".*").Replace("\\?", ".")}\\z",
            RegexOptions.CultureInvariant | RegexOptions.Singleline);
        return rest.IsEmpty
            ? directory.EnumerateFiles("*", Everything).Where(file => name.IsMatch(file.Name))
                .Select(file => folder + file.Name)
            : directory.EnumerateDirectories("*", Everything).Where(child => name.IsMatch(child.Name))
                .SelectMany(child => Below($"{folder}{child.Name}/", rest));
    }
}
