using Crosshead.Checkpoints;

namespace Crosshead.Cli.Options;

/// <summary>A folder for a model, which <see cref="Files.NewFolder"/> writes.</summary>
/// <param name="name">The option, with its dashes.</param>
/// <param name="description">What is written.</param>
internal sealed class OutputFolder(string name, string description) : OutputOption(Required(name, description, "dir"))
{
    /// <inheritdoc/>
    public override IEnumerable<string> Places(string path) => [path];

    /// <inheritdoc/>
    public override void Check(string path, bool overwrite)
    {
        if (File.Exists(path)) throw new CrossheadException($"{Name} \"{path}\" is a file; name a folder.");
        if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())
        {
            if (!overwrite) throw new CrossheadException($"{Name} \"{path}\" exists already; name a new folder, or replace it with {CommandOutputs.OverwriteName}.");
            // A run with its checkpoints, or a home directory, is not to go by one word.
            if (!ModelDirectory.HoldsModelAlone(path))
                throw new CrossheadException($"{Name} \"{path}\" holds something else than a model's files, which {CommandOutputs.OverwriteName} does not remove; name a new folder, or remove it yourself.");
        }
        OutputPlace.RequireWritable(Name, Path.TrimEndingDirectorySeparator(path));
    }
}
