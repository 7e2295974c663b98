using System.CommandLine;

namespace Crosshead.Cli.Options;

/// <summary>
/// An option that names an output. <see cref="CommandOutputs"/> checks all outputs of a command before its work begins.
/// </summary>
/// <param name="option">The command-line option.</param>
internal abstract class OutputOption(Option<string?> option)
{
    /// <summary>The command-line option.</summary>
    public Option<string?> Option => option;

    /// <summary>The option's name, with its dashes.</summary>
    public string Name => option.Name;

    /// <summary>The given path or the default; null if nothing is to be written.</summary>
    public string? In(ParseResult arguments) => arguments.GetValue(option);

    /// <summary>The files or folders that are written for a path.</summary>
    public abstract IEnumerable<string> Places(string path);

    /// <summary>Whether a path stands for a file. A folder is locked by what writes it, a file is not.</summary>
    public virtual bool IsFile(string path) => false;

    /// <summary>
    /// Whether an overwrite removes everything at the output's places. Otherwise files with other names stay.
    /// </summary>
    public virtual bool ReplacesAll => true;

    /// <summary>Refuses a place that cannot be written, or whose content may not be replaced.</summary>
    /// <param name="path">The given path.</param>
    /// <param name="overwrite">Whether existing content may be replaced.</param>
    /// <exception cref="CrossheadException">The place cannot be used; nothing was changed.</exception>
    public abstract void Check(string path, bool overwrite);

    /// <summary>Makes an option that must be given.</summary>
    protected static Option<string?> Required(string name, string description, string placeholder) =>
        new(name) { Description = description, HelpName = placeholder, Required = true };
}
