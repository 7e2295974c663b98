using System.Diagnostics;

namespace Crosshead.Tests;

/// <summary>Named pipes that nobody writes to.</summary>
internal static class NamedPipe
{
    public static string In(TemporaryFolder folder, string name = "pipe")
    {
        var path = folder.File(name);
        using var make = Process.Start("mkfifo", [path]);
        make.WaitForExit();
        return path;
    }
}
