using System.Text;
using System.Text.RegularExpressions;

namespace Crosshead.Data;

/// <summary>Patterns of paths for shells that do not expand them: <c>*</c> and <c>?</c> within a name, <c>**</c> across folders.</summary>
internal static class GlobPattern
{
    /// <summary>The files that match, in ordinal order; none where the folder before the first wildcard is missing.</summary>
    public static IReadOnlyList<string> Expand(string pattern)
    {
        var normal = pattern.Replace('\\', '/');
        var fixedPart = normal[..(normal[..normal.AsSpan().IndexOfAny('*', '?')].LastIndexOf('/') + 1)];
        var folder = fixedPart.Length == 0 ? "." : fixedPart;
        if (!Directory.Exists(folder))
            return [];
        var below = normal[fixedPart.Length..];
        var expression = new Regex(ToRegex(below), RegexOptions.CultureInvariant);
        return
        [
            .. Directory.EnumerateFiles(folder, "*", below.Contains('/') || below.Contains("**") ? SearchOption.AllDirectories : SearchOption.TopDirectoryOnly)
                .Select(path => Path.GetRelativePath(folder, path).Replace('\\', '/'))
                .Where(path => expression.IsMatch(path))
                .Select(path => fixedPart + path)
                .Order(StringComparer.Ordinal),
        ];
    }

    private static string ToRegex(string pattern)
    {
        var regex = new StringBuilder("^");
        for (var i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] == '*' && i + 1 < pattern.Length && pattern[i + 1] == '*')
            {
                var slash = i + 2 < pattern.Length && pattern[i + 2] == '/';
                regex.Append(slash ? "(?:.*/)?" : ".*");
                i += slash ? 2 : 1;
            }
            else
            {
                regex.Append(pattern[i] switch { '*' => "[^/]*", '?' => "[^/]", var c => Regex.Escape(c.ToString()) });
            }
        }
        return regex.Append("\\z").ToString();
    }
}
