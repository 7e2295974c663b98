using Crosshead.Cli.Options;
using Crosshead.Files;

namespace Crosshead.Cli.Demo;

/// <summary>The demo's folder. Files of the demo have fixed names; other files are kept.</summary>
internal static class DemoFolder
{
    private const string Mark = "demo.txt";

    /// <summary>Refuses a folder that is not empty, except for an earlier demo that may be replaced.</summary>
    /// <exception cref="CrossheadException">The folder holds a demo that may not be replaced, or other
    /// files.</exception>
    public static void Require(string folder, bool overwrite)
    {
        if (!Directory.Exists(folder) || Directory.EnumerateFileSystemEntries(folder).FirstOrDefault() is not { } some)
            return;
        // Models, data and studies have files of the same names.
        if (!File.Exists(Path.Combine(folder, Mark)))
            throw new CrossheadException(
                $"--out \"{folder}\" holds something that is no demo ({Path.GetFileName(some)}); name a new folder.");
        if (!overwrite)
            throw new CrossheadException($"--out \"{folder}\" holds an earlier demo; name a new folder, or replace it "
                + $"with {CommandOutputs.OverwriteName}.");
    }

    /// <summary>Marks a folder as a demo's, before anything else is written there.</summary>
    /// <exception cref="CrossheadException">It cannot be written.</exception>
    public static void Begin(string folder) => AtomicFile.WriteText(Path.Combine(folder, Mark),
        $"crosshead demo writes this folder, and replaces its files with {CommandOutputs.OverwriteName}.\n");
}
