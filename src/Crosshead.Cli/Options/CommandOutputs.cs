using System.CommandLine;
using System.CommandLine.Parsing;
using Crosshead.Files;

namespace Crosshead.Cli.Options;

/// <summary>
/// All outputs of a command. One rule, checked before the work begins, says what may be replaced.
/// </summary>
internal sealed class CommandOutputs
{
    /// <summary>The name of the option that allows a command to replace existing files and folders.</summary>
    public const string OverwriteName = "--overwrite";

    private readonly List<OutputOption> _outputs = [];

    /// <summary>Whether existing files and folders may be replaced.</summary>
    public Option<bool> Overwrite { get; } = new(OverwriteName)
    {
        Description = "Replace what an earlier command wrote there. Without it, nothing that exists is replaced.",
    };

    /// <summary>The outputs, in the order in which they were added.</summary>
    public IReadOnlyList<OutputOption> All => _outputs;

    /// <summary>Adds outputs.</summary>
    public void Add(params ReadOnlySpan<OutputOption> outputs) => _outputs.AddRange(outputs);

    /// <summary>Keeps other runs from writing the same files until the returned object is disposed.</summary>
    /// <exception cref="CrossheadException">Another run writes one of them.</exception>
    public FileLock Lock(ParseResult arguments) => FileLock.Take(_outputs
        .Select(o => o.In(arguments) is { } path && o.IsFile(path) ? RealPath.Of(path) : null)
        .OfType<string>().Distinct());

    /// <summary>
    /// Refuses a place that cannot be written, that holds something, or that two outputs share. Also refuses to replace
    /// a place that holds an input of the command.
    /// </summary>
    /// <exception cref="CrossheadException">An output cannot be used; nothing was changed.</exception>
    public void Check(ParseResult arguments)
    {
        var overwrite = arguments.GetValue(Overwrite);
        var taken = new Dictionary<string, string>();
        foreach (var output in _outputs)
        {
            if (output.In(arguments) is not { } path) continue;
            foreach (var place in output.Places(path).Select(RealPath.Of))
            {
                if (!taken.TryAdd(place, output.Name))
                    throw new CrossheadException(taken[place] == output.Name
                        ? $"{output.Name} \"{path}\" has the name of another file that is written beside it; give it "
                            + "another ending."
                        : $"{output.Name} \"{path}\" and {taken[place]} would be written to \"{place}\" both; name "
                            + "another place for one of them.");
                if (overwrite && output.ReplacesAll
                    && Inputs(arguments).FirstOrDefault(i => IsWithin(RealPath.Of(i), place)) is { } input)
                    throw new CrossheadException($"{output.Name} \"{path}\" would replace \"{input}\", which this "
                        + $"command reads; name another place.");
            }
            output.Check(path, overwrite);
        }
    }

    // The arguments that name existing files or folders, except those of the outputs.
    private IEnumerable<string> Inputs(ParseResult arguments) => arguments.CommandResult.Children
        .Where(r => r is not OptionResult option || !_outputs.Exists(o => o.Option == option.Option))
        .SelectMany(r => r.Tokens).Select(t => t.Value).Where(v => v.Length > 0 && Path.Exists(v));

    private static bool IsWithin(string path, string place) =>
        path == place || path.StartsWith(place + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}
