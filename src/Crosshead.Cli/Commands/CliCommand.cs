using System.CommandLine;

namespace Crosshead.Cli.Commands;

/// <summary>A command of the program: what it is called, what it takes, examples of its use, and what it does.</summary>
internal abstract class CliCommand : Command
{
    /// <summary>Names the command; derived constructors add arguments and options, which the help lists in that order.</summary>
    /// <param name="name">As typed.</param>
    /// <param name="description">What it does and what comes of it.</param>
    /// <param name="examples">Whole command lines shown in the help.</param>
    protected CliCommand(string name, string description, params string[] examples) : base(name, description)
    {
        Options.Add(ParsedAction.Help(examples));
        Options.Add(Json);
    }

    /// <summary>Whether the result is one JSON object on standard output instead of a table.</summary>
    public Option<bool> Json { get; } = new("--json") { Description = "Write the result as one JSON object on standard output, and nothing else there." };

    /// <summary>Does the work and returns the exit code (<see cref="ExitCode"/>). Runs on the main thread.</summary>
    /// <param name="arguments">The values given for this command's arguments and options.</param>
    /// <param name="output">Where tables, messages, progress and the JSON result go.</param>
    /// <param name="cancel">Set by the first signal: finish the step, save and return <see cref="ExitCode.Interrupted"/>.</param>
    public abstract int Run(ParseResult arguments, CommandOutput output, CancellationToken cancel);
}
