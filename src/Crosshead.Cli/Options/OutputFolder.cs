using Crosshead.Checkpoints;
using Crosshead.Cli.Terminal;

namespace Crosshead.Cli.Options;

/// <summary>A folder for a model. <see cref="Files.NewFolder"/> writes it.</summary>
/// <param name="description">What is written.</param>
internal sealed class OutputFolder(string description)
    : OutputOption(Required(OptionNames.Table[nameof(MessageTerm.Folder)], description, "dir"))
{
    /// <inheritdoc/>
    public override IEnumerable<string> Places(string path) => [path];

    /// <inheritdoc/>
    public override void Check(string path, bool overwrite)
    {
        ModelDirectory.RequireReplaceable(path, overwrite);
        OutputPlace.RequireWritable(Name, Path.TrimEndingDirectorySeparator(path));
    }
}
