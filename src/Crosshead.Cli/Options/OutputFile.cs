using System.CommandLine;

namespace Crosshead.Cli.Options;

/// <summary>A file that a command writes at its end, together with the files beside it.</summary>
internal sealed class OutputFile : OutputOption
{
    private readonly Func<string, IReadOnlyList<string>> _places;
    private readonly Func<string, bool> _staysAsItIs;
    private readonly Func<string, bool>? _continues;

    private OutputFile(Option<string?> option, Func<string, IReadOnlyList<string>>? places,
        Func<string, bool>? continues = null, Func<string, bool>? staysAsItIs = null) : base(option) =>
        (_places, _continues, _staysAsItIs) = (places ?? (path => [path]), continues, staysAsItIs ?? (_ => false));

    /// <summary>A file that is written only if the option is given.</summary>
    /// <param name="name">The option's name, with its dashes.</param>
    /// <param name="description">What is written.</param>
    /// <param name="placeholder">What the help shows for the path.</param>
    public static OutputFile Optional(string name, string description, string placeholder) =>
        new(new Option<string?>(name) { Description = description, HelpName = placeholder }, null);

    /// <summary>A file that must be named.</summary>
    /// <param name="name">The option's name, with its dashes.</param>
    /// <param name="description">What is written.</param>
    /// <param name="placeholder">What the help shows for the path.</param>
    public static OutputFile Always(string name, string description, string placeholder) =>
        new(Required(name, description, placeholder), null);

    /// <summary>A file that is always written. It has a default path.</summary>
    /// <param name="name">The option's name, with its dashes.</param>
    /// <param name="description">What is written.</param>
    /// <param name="placeholder">What the help shows for the path.</param>
    /// <param name="otherwise">The path if the option is not given.</param>
    /// <param name="places">The files that are written for a path.</param>
    /// <param name="staysAsItIs">Whether an existing file already holds what would be written.</param>
    public static OutputFile WithDefault(string name, string description, string placeholder, string otherwise,
        Func<string, IReadOnlyList<string>> places, Func<string, bool> staysAsItIs) =>
        new(new Option<string?>(name)
        {
            Description = description,
            HelpName = placeholder,
            DefaultValueFactory = _ => otherwise,
        }, places, staysAsItIs: staysAsItIs);

    /// <summary>A file that must be named. The file may exist: an interrupted command goes on with it.</summary>
    /// <param name="name">The option's name, with its dashes.</param>
    /// <param name="description">What is written.</param>
    /// <param name="placeholder">What the help shows for the path.</param>
    /// <param name="places">The files that are written for a path. The command continues with the first.</param>
    public static OutputFile Continued(string name, string description, string placeholder,
        Func<string, IReadOnlyList<string>> places) =>
        new(Required(name, description, placeholder), places, continues: File.Exists);

    /// <summary>
    /// A file that is written only if the option is given. An interrupted command leaves another file beside it, and
    /// goes on while that exists.
    /// </summary>
    /// <param name="name">The option's name, with its dashes.</param>
    /// <param name="description">What is written.</param>
    /// <param name="placeholder">What the help shows for the path.</param>
    /// <param name="unfinished">The other file.</param>
    public static OutputFile Resumed(string name, string description, string placeholder,
        Func<string, string> unfinished) =>
        new(new Option<string?>(name) { Description = description, HelpName = placeholder },
            path => [path, unfinished(path)], continues: path => File.Exists(unfinished(path)));

    /// <inheritdoc/>
    public override IEnumerable<string> Places(string path) => _places(path);

    /// <inheritdoc/>
    public override bool IsFile(string path) => true;

    /// <inheritdoc/>
    public override void Check(string path, bool overwrite)
    {
        var places = _places(path);
        // If an earlier run is continued, all files come from that run.
        var mayExist = overwrite || _continues?.Invoke(path) == true;
        foreach (var place in places)
        {
            var what = place == path ? $"{Name} \"{path}\"" : $"\"{place}\", which {Name} \"{path}\" is written to,";
            if (Directory.Exists(place)) throw new CrossheadException($"{what} is a folder; name a file.");
            if (File.Exists(place) && !mayExist && !_staysAsItIs(place))
                throw new CrossheadException(
                    $"{what} exists already; name another file, or replace it with {CommandOutputs.OverwriteName}.");
            OutputPlace.RequireWritable(Name, place);
        }
    }
}
