using System.CommandLine;
using System.CommandLine.Parsing;

namespace Crosshead.Cli.Options;

/// <summary>All that a command writes: one rule for what is there already, checked before its work begins.</summary>
internal sealed class CommandOutputs
{
    /// <summary>The option that allows a command to replace what is there.</summary>
    public const string OverwriteName = "--overwrite";

    private readonly List<OutputOption> _outputs = [];

    /// <summary>Whether what is there may be replaced.</summary>
    public Option<bool> Overwrite { get; } = new(OverwriteName)
    {
        Description = "Replace what an earlier command wrote there. Without it, nothing that exists is replaced.",
    };

    /// <summary>The outputs, in the order in which they were added.</summary>
    public IReadOnlyList<OutputOption> All => _outputs;

    /// <summary>Adds outputs.</summary>
    public void Add(params ReadOnlySpan<OutputOption> outputs) => _outputs.AddRange(outputs);

    /// <summary>Refuses outputs with an empty name, before anything is made of it.</summary>
    /// <exception cref="CrossheadException">An output has an empty name.</exception>
    public void RequireNames(ParseResult arguments)
    {
        if (_outputs.Find(o => o.In(arguments) is "") is { } empty)
            throw new CrossheadException($"{empty.Name} is empty; name a place to write to.");
    }

    /// <summary>
    /// Refuses places that cannot be written, that hold something, that two outputs share, or that the command reads.
    /// </summary>
    /// <exception cref="CrossheadException">One cannot be used; nothing was changed.</exception>
    public void Check(ParseResult arguments)
    {
        var overwrite = arguments.GetValue(Overwrite);
        var taken = new Dictionary<string, string>();
        foreach (var output in _outputs)
        {
            if (output.In(arguments) is not { } path) continue;
            foreach (var place in output.Places(path).Select(Full))
            {
                if (!taken.TryAdd(place, output.Name))
                    throw new CrossheadException($"{output.Name} \"{path}\" and {taken[place]} would be written to "
                        + $"\"{place}\" both; name another place for one of them.");
                if (overwrite && output.ReplacesAll
                    && Inputs(arguments).FirstOrDefault(i => IsWithin(Full(i), place)) is { } input)
                    throw new CrossheadException($"{output.Name} \"{path}\" would replace \"{input}\", which this "
                        + $"command reads; name another place.");
            }
            output.Check(path, overwrite);
        }
    }

    // The typed names of existing files and folders, except those of the outputs.
    private IEnumerable<string> Inputs(ParseResult arguments) => arguments.CommandResult.Children
        .Where(r => r is not OptionResult option || !_outputs.Exists(o => o.Option == option.Option))
        .SelectMany(r => r.Tokens).Select(t => t.Value).Where(v => v.Length > 0 && Path.Exists(v));

    private static bool IsWithin(string path, string place) =>
        path == place || path.StartsWith(place + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    private static string Full(string path) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
}
