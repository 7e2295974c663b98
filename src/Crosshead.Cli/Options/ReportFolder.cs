using System.CommandLine;
using Crosshead.Cli.Terminal;
using Crosshead.Files;

namespace Crosshead.Cli.Options;

/// <summary>A folder for the files of a report. Files with other names in the folder stay.</summary>
/// <param name="description">What is written.</param>
/// <param name="files">The names of the files that are written.</param>
internal sealed class ReportFolder(string description, params string[] files)
    : OutputOption(new Option<string?>(OptionNames.Table[nameof(MessageTerm.Folder)])
    {
        Description = description,
        HelpName = "dir",
    })
{
    /// <inheritdoc/>
    public override IEnumerable<string> Places(string path) => files.Select(file => Path.Combine(path, file));

    /// <inheritdoc/>
    public override void Check(string path, bool overwrite)
    {
        NewFolder.RefuseFile($"{Name} \"{path}\"", path);
        foreach (var place in Places(path))
        {
            if (File.Exists(place) && !overwrite)
                throw new CrossheadException($"{Name} \"{path}\" has a {Path.GetFileName(place)} already; name another "
                    + $"folder, or replace it with {CommandOutputs.OverwriteName}.");
            OutputPlace.RequireWritable(Name, place);
        }
    }
}
