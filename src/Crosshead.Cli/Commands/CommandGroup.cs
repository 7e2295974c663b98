using System.CommandLine;
using Crosshead.Cli.Options;

namespace Crosshead.Cli.Commands;

/// <summary>A word that only groups commands, like <c>tokenizer</c> before <c>train</c>.</summary>
internal sealed class CommandGroup : Command
{
    /// <summary>Groups the commands under a name.</summary>
    public CommandGroup(string name, string description, string example, params Command[] commands)
        : base(name, description)
    {
        Options.Add(ParsedAction.Help(example));
        foreach (var command in commands)
            Subcommands.Add(command);
    }
}
