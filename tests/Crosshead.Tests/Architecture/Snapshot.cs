using System.Runtime.CompilerServices;

namespace Crosshead.Tests.Architecture;

/// <summary>
/// Compares a text with the one accepted earlier, kept beside the tests so that every change shows in a diff.
/// </summary>
internal static class Snapshot
{
    private const string AcceptVariable = "CROSSHEAD_ACCEPT_SNAPSHOTS";

    /// <summary>
    /// Fails where <paramref name="text"/> differs from the file; with CROSSHEAD_ACCEPT_SNAPSHOTS=1 writes the file
    /// instead.
    /// </summary>
    /// <param name="name">The file, relative to the folder <c>Snapshots</c> beside the calling test.</param>
    /// <param name="text">What there is now.</param>
    /// <param name="caller">The calling test's file.</param>
    public static void Match(string name, string text, [CallerFilePath] string caller = "") =>
        MatchFile(Path.Combine(Path.GetDirectoryName(caller)!, "Snapshots", name), text);

    /// <summary>
    /// The same for a file of the repository that is made from the code, such as a page of the documentation.
    /// </summary>
    public static void MatchFile(string path, string text)
    {
        text = text.ReplaceLineEndings("\n");
        if (Environment.GetEnvironmentVariable(AcceptVariable) == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
            return;
        }
        var accepted = File.Exists(path) ? File.ReadAllText(path).ReplaceLineEndings("\n") : "";
        if (accepted != text)
            Assert.Fail($"{Path.GetFileName(path)} changed. If that is meant, run the tests once with "
                + $"{AcceptVariable}=1 and commit the file.\n{Difference(accepted, text)}");
    }

    private static string Difference(string before, string after)
    {
        string[] old = before.Split('\n'), now = after.Split('\n');
        var removed = old.Except(now).Select(l => "- " + l);
        var added = now.Except(old).Select(l => "+ " + l);
        var lines = removed.Concat(added).ToArray();
        return lines.Length > 0 ? string.Join('\n', lines.Take(60)) : "the order or number of lines changed.";
    }
}
