using Crosshead.Cli.Options;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Cli.Demo;

/// <summary>The demo's folder. Files of the demo have fixed names; other files are kept.</summary>
internal static class DemoFolder
{
    // At least one of these files exists once a demo has begun.
    private static readonly string[] s_own = ["report.html", "corpus.txt", Tokenizer.FileName];

    /// <summary>Refuses a folder that is not empty, except for an earlier demo that may be replaced.</summary>
    /// <exception cref="CrossheadException">The folder holds a demo that may not be replaced, or other
    /// files.</exception>
    public static void Require(string folder, bool overwrite)
    {
        if (!Directory.Exists(folder) || Directory.EnumerateFileSystemEntries(folder).FirstOrDefault() is not { } some)
            return;
        if (!s_own.Any(name => File.Exists(Path.Combine(folder, name))))
            throw new CrossheadException(
                $"--out \"{folder}\" holds something that is no demo ({Path.GetFileName(some)}); name a new folder.");
        if (!overwrite)
            throw new CrossheadException($"--out \"{folder}\" holds an earlier demo; name a new folder, or replace it "
                + $"with {CommandOutputs.OverwriteName}.");
    }
}
