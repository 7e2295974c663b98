namespace Crosshead.Tests;

/// <summary>The folder of reference data beside a checkout: tests that use it skip where it is absent.</summary>
internal static class SharedData
{
    /// <summary>The full path of a file or folder of the reference data, or a skipped test.</summary>
    public static string Path(params string[] parts)
    {
        var root = Environment.GetEnvironmentVariable("CROSSHEAD_SHARED") ?? Search();
        Assert.SkipWhen(root is null,
            "the reference data (a folder shared/ above the checkout, or CROSSHEAD_SHARED) is absent");
        var path = System.IO.Path.Combine([root, .. parts]);
        Assert.SkipUnless(File.Exists(path) || Directory.Exists(path),
            $"the reference data has no {string.Join('/', parts)}");
        return path;
    }

    private static string? Search()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = System.IO.Path.Combine(folder.FullName, "shared");
            if (File.Exists(System.IO.Path.Combine(candidate, "README.md"))) return candidate;
        }
        return null;
    }
}
