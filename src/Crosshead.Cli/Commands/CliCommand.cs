using System.CommandLine;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;

namespace Crosshead.Cli.Commands;

/// <summary>
/// A command of the program: what it is called, what it takes, examples of its use, and what it does.
/// </summary>
internal abstract class CliCommand : Command
{
    /// <summary>
    /// Names the command; derived constructors add arguments and options, which the help lists in that order.
    /// </summary>
    /// <param name="name">As typed.</param>
    /// <param name="description">What it does and what comes of it.</param>
    /// <param name="examples">Whole command lines shown in the help.</param>
    protected CliCommand(string name, string description, params string[] examples) : base(name, description)
    {
        Options.Add(ParsedAction.Help(examples));
        Options.Add(Json);
    }

    /// <summary>Whether the result is one JSON object on standard output instead of a table.</summary>
    public Option<bool> Json { get; } = new("--json")
    {
        Description = "Write the result as one JSON object on standard output, and nothing else there.",
    };

    /// <summary>What the command writes.</summary>
    public CommandOutputs Outputs { get; } = new();

    /// <summary>Adds the options that say what is written, and the one that allows to replace what is there.</summary>
    protected void Write(params ReadOnlySpan<OutputOption> outputs)
    {
        Outputs.Add(outputs);
        foreach (var output in outputs) Options.Add(output.Option);
        Options.Add(Outputs.Overwrite);
    }

    /// <summary>
    /// Refuses what cannot be done, then does the work and returns the exit code (<see cref="ExitCode"/>). First
    /// arguments and inputs are checked, then the places that will be written; until then nothing is computed, shown or
    /// written.
    /// </summary>
    /// <param name="arguments">The values given for this command's arguments and options.</param>
    /// <param name="output">Where tables, messages, progress and the JSON result go.</param>
    /// <param name="cancellation">Set by the first signal: finish the step, save and return
    /// <see cref="ExitCode.Interrupted"/>.</param>
    public int Run(ParseResult arguments, CommandOutput output, CancellationToken cancellation)
    {
        Outputs.RequireNames(arguments);
        var work = Prepare(arguments);
        Outputs.Check(arguments);
        return work(output, cancellation);
    }

    /// <summary>
    /// Reads arguments and inputs, as far as their headers and the arguments tell what can be refused, and returns the
    /// work. It must not compute or write anything.
    /// </summary>
    /// <exception cref="CrossheadException">Something cannot be used; the one line to show.</exception>
    protected abstract CommandWork Prepare(ParseResult arguments);
}
