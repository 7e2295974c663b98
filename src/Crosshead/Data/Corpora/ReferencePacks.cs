using System.Runtime.InteropServices;

namespace Crosshead.Data.Corpora;

/// <summary>
/// Finds the documentation files of the .NET reference packs: <c>packs/*.Ref/VERSION/ref/FRAMEWORK/*.xml</c>.
/// </summary>
internal static class ReferencePacks
{
    // Every SDK has this pack. It comes first, so that a byte limit gives the same text on every machine.
    private const string BasePack = "Microsoft.NETCore.App.Ref";

    /// <summary>
    /// Returns the folders that may hold packs on this machine, most trusted first. Some may not exist.
    /// </summary>
    public static IReadOnlyList<string> Folders()
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var programs = Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles);
        var roots = new List<string?>
        {
            Environment.GetEnvironmentVariable("DOTNET_ROOT"),
            // The directory of the running runtime is ROOT/shared/Microsoft.NETCore.App/VERSION/.
            Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."),
            RootOfCommand(),
            "/usr/share/dotnet",
            "/usr/lib/dotnet",
            "/usr/local/share/dotnet",
            home.Length > 0 ? Path.Combine(home, ".dotnet") : null,
            programs.Length > 0 ? Path.Combine(programs, "dotnet") : null,
        };
        var folders = roots.Where(r => !string.IsNullOrEmpty(r))
            .Select(r => Path.GetFullPath(Path.Combine(r!, "packs"))).ToList();

        // If an SDK lacks the pack of a framework, a build restores the pack to this folder.
        var restored = Environment.GetEnvironmentVariable("NUGET_PACKAGES");
        if (!string.IsNullOrEmpty(restored)) folders.Add(Path.GetFullPath(restored));
        else if (home.Length > 0) folders.Add(Path.Combine(home, ".nuget", "packages"));
        return [.. folders.Distinct(StringComparer.Ordinal)];
    }

    /// <summary>
    /// Returns the documentation files of the newest version of each pack in <paramref name="folders"/>, in a fixed
    /// order.
    /// </summary>
    public static IReadOnlyList<string> Files(IEnumerable<string> folders)
    {
        var packs = new SortedDictionary<string, (string Version, string[] Files)>(StringComparer.OrdinalIgnoreCase);
        foreach (var pack in folders.SelectMany(f => Listed(f, "*.Ref")))
            foreach (var version in Listed(pack, "*"))
            {
                var name = Path.GetFileName(pack);
                var number = Path.GetFileName(version);
                if (packs.TryGetValue(name, out var known) && CompareVersions(known.Version, number) >= 0) continue;
                var files = Listed(Path.Combine(version, "ref"), "*")
                    .SelectMany(f => Directory.EnumerateFiles(f, "*.xml"));
                var ordered = files.OrderBy(f => f, StringComparer.Ordinal).ToArray();
                if (ordered.Length > 0) packs[name] = (number, ordered);
            }
        return
        [
            .. packs.OrderByDescending(p => string.Equals(p.Key, BasePack, StringComparison.OrdinalIgnoreCase))
                .SelectMany(p => p.Value.Files),
        ];
    }

    /// <summary>
    /// Orders <c>10.0.2</c> after <c>9.0.11</c>, and a release after its previews. Text that is not a version comes
    /// first.
    /// </summary>
    internal static int CompareVersions(string a, string b)
    {
        var (numberA, previewA) = Split(a);
        var (numberB, previewB) = Split(b);
        var order = numberA.CompareTo(numberB);
        if (order != 0) return order;
        if (previewA.Length == 0 || previewB.Length == 0) return previewB.Length.CompareTo(previewA.Length);
        return ComparePreviews(previewA.Split('.'), previewB.Split('.'));

        static (Version, string) Split(string text)
        {
            var dash = text.IndexOf('-', StringComparison.Ordinal);
            var number = dash < 0 ? text : text[..dash];
            return (Version.TryParse(number, out var version) ? version : new Version(0, 0),
                dash < 0 ? "" : text[(dash + 1)..]);
        }
    }

    // "rc.10" comes after "rc.9".
    private static int ComparePreviews(string[] a, string[] b)
    {
        for (var i = 0; i < Math.Min(a.Length, b.Length); i++)
        {
            var order = int.TryParse(a[i], out var x) && int.TryParse(b[i], out var y) ? x.CompareTo(y)
                : string.CompareOrdinal(a[i], b[i]);
            if (order != 0) return order;
        }
        return a.Length.CompareTo(b.Length);
    }

    // A folder that is absent or not accessible holds no packs.
    private static IEnumerable<string> Listed(string folder, string pattern)
    {
        var options = new EnumerationOptions { IgnoreInaccessible = true, MatchCasing = MatchCasing.CaseInsensitive };
        return Directory.Exists(folder)
            ? Directory.EnumerateDirectories(folder, pattern, options).OrderBy(f => f, StringComparer.Ordinal)
            : [];
    }

    // The folder of the `dotnet` command in PATH, after following links.
    private static string? RootOfCommand()
    {
        var name = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        foreach (var folder in (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            var command = new FileInfo(Path.Combine(folder, name));
            if (!command.Exists) continue;
            try
            {
                return Path.GetDirectoryName(
                    command.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? command.FullName);
            }
            catch (IOException)
            {
                return null; // A circular link: the other places remain.
            }
        }
        return null;
    }
}
