using Crosshead.Checkpoints;
using Crosshead.Cli.Terminal;

namespace Crosshead.Cli.Options;

/// <summary>A folder for a model. <see cref="Files.NewFolder"/> writes it.</summary>
/// <param name="description">What is written.</param>
/// <param name="required">Whether the option must be given.</param>
/// <param name="name">The option's name, with its dashes; null for that of the usual folder.</param>
internal sealed class OutputFolder(string description, bool required = true, string? name = null)
    : OutputOption(new(name ?? OptionNames.Table[nameof(MessageTerm.Folder)])
    {
        Description = description,
        HelpName = "dir",
        Required = required,
    })
{
    /// <inheritdoc/>
    public override IEnumerable<string> Places(string path) => [path];

    /// <inheritdoc/>
    public override void Check(string path, bool overwrite)
    {
        ModelDirectory.RequireReplaceable(path, overwrite, Name);
        OutputPlace.RequireWritable(Name, Path.TrimEndingDirectorySeparator(path));
    }
}
