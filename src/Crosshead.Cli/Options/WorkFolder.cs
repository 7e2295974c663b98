using System.CommandLine;
using Crosshead.Files;

namespace Crosshead.Cli.Options;

/// <summary>
/// A folder in which a command works from its start. The command itself checks the folder's content, because the
/// command can continue its own earlier work.
/// </summary>
internal sealed class WorkFolder : OutputOption
{
    private WorkFolder(Option<string?> option) : base(option) { }

    /// <summary>A folder that must be named.</summary>
    /// <param name="name">The option's name, with its dashes.</param>
    /// <param name="description">What is written.</param>
    public static WorkFolder Required(string name, string description) =>
        new(OutputOption.Required(name, description, "dir"));

    /// <summary>A folder with a default name.</summary>
    /// <param name="name">The option's name, with its dashes.</param>
    /// <param name="description">What is written.</param>
    /// <param name="otherwise">The folder if the option is not given; null if the command chooses the name.</param>
    public static WorkFolder WithDefault(string name, string description, string? otherwise)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = "dir" };
        if (otherwise is not null) option.DefaultValueFactory = _ => otherwise;
        return new WorkFolder(option);
    }

    /// <inheritdoc/>
    public override IEnumerable<string> Places(string path) => [path];

    /// <inheritdoc/>
    public override bool ReplacesAll => false;

    /// <inheritdoc/>
    public override void Check(string path, bool overwrite) => Check(Name, path);

    /// <summary>Refuses a folder in which a command cannot work.</summary>
    /// <param name="name">What messages call the folder.</param>
    /// <param name="path">The folder.</param>
    /// <exception cref="CrossheadException">The folder is a file, cannot be made or written, or another process works
    /// in it.</exception>
    public static void Check(string name, string path)
    {
        NewFolder.RefuseFile($"{name} \"{path}\"", path);
        if (!Directory.Exists(path)) OutputPlace.RequireWritable(name, Path.TrimEndingDirectorySeparator(path));
        else
        {
            OutputPlace.RequireWritableFolder(name, path);
            FolderLock.Take(path).Dispose();
        }
    }
}
