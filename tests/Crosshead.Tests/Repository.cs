using System.Runtime.CompilerServices;

namespace Crosshead.Tests;

/// <summary>Files of the repository that the tests belong to.</summary>
internal static class Repository
{
    /// <summary>The full path of a file or folder, given as seen from the repository's root.</summary>
    public static string Path(string name) => System.IO.Path.Combine(Root(), name);

    private static string Root([CallerFilePath] string here = "") =>
        System.IO.Path.GetFullPath("../..", System.IO.Path.GetDirectoryName(here)!);
}
