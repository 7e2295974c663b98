using System.CommandLine;

namespace Crosshead.Cli.Options;

/// <summary>
/// An option that names what a command writes; <see cref="CommandOutputs"/> checks all of a command's before its work
/// begins.
/// </summary>
/// <param name="option">The option as the command line knows it.</param>
internal abstract class OutputOption(Option<string?> option)
{
    /// <summary>The option as the command line knows it.</summary>
    public Option<string?> Option => option;

    /// <summary>The option's name, with its dashes.</summary>
    public string Name => option.Name;

    /// <summary>What was given, or the default; null where nothing is to be written.</summary>
    public string? In(ParseResult arguments) => arguments.GetValue(option);

    /// <summary>The files or folders that are written for a path.</summary>
    public abstract IEnumerable<string> Places(string path);

    /// <summary>
    /// Whether replacing removes everything at the output's places; otherwise files with other names stay.
    /// </summary>
    public virtual bool ReplacesAll => true;

    /// <summary>Refuses a place that cannot be written, or that holds something which may not be replaced.</summary>
    /// <param name="path">What was given.</param>
    /// <param name="overwrite">Whether what is there may be replaced.</param>
    /// <exception cref="CrossheadException">The place cannot be used; nothing was changed.</exception>
    public abstract void Check(string path, bool overwrite);

    /// <summary>Makes an option that must be given.</summary>
    protected static Option<string?> Required(string name, string description, string placeholder) =>
        new(name) { Description = description, HelpName = placeholder, Required = true };
}
