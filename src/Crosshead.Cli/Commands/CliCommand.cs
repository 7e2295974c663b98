using System.CommandLine;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Runtime.Distributed;

namespace Crosshead.Cli.Commands;

/// <summary>A command of the program: its name, arguments, options, examples and work.</summary>
internal abstract class CliCommand : Command
{
    // Each of them loads libtorch: more would take the machine's memory and hardly come forward.
    private const int RanksPerProcessor = 4;

    /// <summary>
    /// Names the command. Derived constructors add arguments and options, and the help lists them in that order.
    /// </summary>
    /// <param name="name">The command's name.</param>
    /// <param name="description">What the command does, and what its result is.</param>
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

    /// <summary>How many ranks of this machine run the command; null if it does not run on ranks.</summary>
    public Option<int?>? Ranks { get; private set; }

    /// <summary>What the command does when it is asked to stop, for the line that answers a signal.</summary>
    public virtual string Stopping => "stopping after this step";

    /// <summary>The files and folders that the command writes.</summary>
    public CommandOutputs Outputs { get; } = new();

    /// <summary>
    /// How many ranks to start, which run the same command line together; null for none, as in a rank itself.
    /// </summary>
    /// <param name="arguments">The values given.</param>
    /// <param name="launcher">What started this process; null for nothing.</param>
    /// <exception cref="CrossheadException">The command runs as one process, but a launcher started several; or both a
    /// launcher and the user ask for ranks; or there are too few processors for so many.</exception>
    public int? RanksToStart(ParseResult arguments, Launcher? launcher)
    {
        var asked = Ranks is null ? null : arguments.GetValue(Ranks);
        var most = RanksPerProcessor * Environment.ProcessorCount;
        if (launcher is null && asked > most)
            throw new CrossheadException($"{Ranks!.Name} ({asked}) is more than {RanksPerProcessor} for each of this "
                + $"machine's {Environment.ProcessorCount} processors; give at most {most}.");
        if (launcher is null) return asked > 1 ? asked : null;
        if (asked is not null && launcher.Meeting is null)
            throw new CrossheadException($"{launcher.Name} started {launcher.Ranks} ranks, and {Ranks!.Name} {asked} "
                + $"asks for more; leave out one of them.");
        if (Ranks is null)
            throw new CrossheadException($"{launcher.Name} started {launcher.Ranks} ranks, but \"{Name}\" runs as one "
                + $"process; start it without the launcher.");
        return null;
    }

    /// <summary>Lets several ranks run the command together.</summary>
    protected void RunOnRanks() => Options.Add(Ranks = NumberOption.Optional("--ranks",
        "Run as so many processes of this machine, each on a GPU of its own, or on its share of the cores", 1, 1024));

    /// <summary>Adds the options that name outputs, and the option that allows replacing them.</summary>
    protected void Write(params ReadOnlySpan<OutputOption> outputs)
    {
        Outputs.Add(outputs);
        foreach (var output in outputs) Options.Add(output.Option);
        Options.Add(Outputs.Overwrite);
    }

    /// <summary>
    /// Checks arguments and inputs, then the places of the outputs. Then does the work and returns the exit code
    /// (<see cref="ExitCode"/>). The checks do not compute, show or write anything.
    /// </summary>
    /// <param name="arguments">The values given for this command's arguments and options.</param>
    /// <param name="output">Takes tables, messages, progress and the JSON result.</param>
    /// <param name="cancellation">Set by the first signal. The command then finishes the step, saves and returns
    /// <see cref="ExitCode.Interrupted"/>.</param>
    public int Run(ParseResult arguments, CommandOutput output, CancellationToken cancellation)
    {
        var work = Prepare(arguments);
        using var locked = output.Communicator.Rank == 0 ? Outputs.Lock(arguments) : null; // for all ranks
        Outputs.Check(arguments);
        Meet(output.Communicator);
        return work(output, cancellation);
    }

    /// <summary>
    /// Compares the ranks, after all have checked their inputs and before any of them writes.
    /// </summary>
    /// <exception cref="CrossheadException">The ranks cannot work together.</exception>
    protected virtual void Meet(ICommunicator communicator) => RankFacts.RequireSame(communicator);

    /// <summary>
    /// Reads arguments and inputs, and returns the work. Refuses all errors that the arguments and the inputs' headers
    /// show. Must not compute or write anything.
    /// </summary>
    /// <exception cref="CrossheadException">An argument or input cannot be used. The message is the one line to
    /// show.</exception>
    protected abstract CommandWork Prepare(ParseResult arguments);
}
