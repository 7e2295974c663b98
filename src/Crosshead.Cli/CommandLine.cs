using System.CommandLine;
using System.CommandLine.Parsing;
using System.Runtime.CompilerServices;
using Crosshead.Cli.Commands;
using Crosshead.Cli.Completion;
using Crosshead.Cli.Options;
using Crosshead.Cli.Ranks;
using Crosshead.Cli.Terminal;
using Crosshead.Runtime.Distributed;

namespace Crosshead.Cli;

/// <summary>
/// The program: finds the command, runs the command, and turns any result or error into output and an exit code.
/// </summary>
/// <param name="commands">Creates the commands that given arguments can mean, in the order in which the help lists
/// them; without arguments all.</param>
internal sealed class CommandLine(Func<string[], IEnumerable<Command>> commands)
{
    /// <summary>Name of the program as users type it.</summary>
    public const string Name = "crosshead";

    // No response files (@name): a prompt may begin with @.
    private static readonly ParserConfiguration s_parsing =
        new() { ResponseFileTokenReplacer = null, EnablePosixBundling = false };

    /// <summary>What ranks run.</summary>
    public OwnProgram Program { get; init; } = OwnProgram.CommandLine;

    /// <summary>Runs one command line and returns its exit code (<see cref="ExitCode"/>).</summary>
    /// <param name="args">The arguments after the program's name.</param>
    /// <param name="terminal">Where results, messages and progress go.</param>
    /// <param name="cancellation">Asks the command to finish its step, save and stop, as a signal does.</param>
    public int Run(string[] args, StandardStreams terminal, CancellationToken cancellation = default)
    {
        // Until the ranks have met, one on each host speaks.
        var speaker = Launcher.OfThisProcess is { LocalRank: > 0 } ? StandardStreams.Silent : terminal;
        try
        {
            using var names = MessageTerm.Use(OptionNames.Table);
            return Answer(args, terminal, speaker, cancellation);
        }
        catch (Exception failure)
        {
            return Failure.Tell(failure, speaker);
        }
    }

    /// <summary>The commands, each with its subcommands, arguments and options.</summary>
    /// <param name="args">The arguments after the program's name; none for all commands.</param>
    public Command Root(params string[] args)
    {
        var root = new Command(Name,
            "Transformers whose attention heads work together: train them, compare them, sample from them.");
        root.Options.Add(ParsedAction.Help("crosshead doctor",
            "crosshead tokenizer train notes.txt --vocab 8192 --out tokenizer.json"));
        root.Options.Add(ParsedAction.Version());
        foreach (var command in commands(args))
            root.Subcommands.Add(command);
        return root;
    }

    // Not inlined, so that its assemblies load inside the try block: an assembly may be missing, or no more files can
    // be opened.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int Answer(string[] args, StandardStreams terminal, StandardStreams speaker, CancellationToken cancellation)
    {
        if (ShellCompletion.Answers(args, () => Root(), s_parsing, speaker.Out))
            return ExitCode.Done;
        RawArguments.Require(args);
        var parsed = CommandLineParser.Parse(Root(args), args, s_parsing);
        if (parsed.Action is ParsedAction shown)
            return shown.Show(parsed, speaker);
        if (UsageError.Describe(parsed) is { } problem)
        {
            speaker.Error.WriteLine(problem);
            return ExitCode.BadInput;
        }
        var command = (CliCommand)parsed.CommandResult.Command;
        if (command.RanksToStart(parsed, Launcher.OfThisProcess) is { } ranks)
            return RankStarter.Run(Program, args, ranks, terminal, command.Stopping, cancellation);
        using var communicator = Launch.Start(terminal.Error.WriteLine);
        return Execute(parsed, terminal, communicator, cancellation);
    }

    // Ranks end together: rank 0 says why, and all return the same code.
    private static int Execute(ParseResult parsed, StandardStreams terminal, ICommunicator communicator,
        CancellationToken cancellation)
    {
        Exception? failure = null;
        RankEnding own;
        try
        {
            own = new RankEnding(Work(parsed, communicator.Rank == 0 ? terminal : StandardStreams.Silent, communicator,
                cancellation));
        }
        catch (Exception thrown)
        {
            failure = thrown;
            own = Failure.Ending(thrown);
        }
        var ending = communicator.End(own);
        if (communicator.Rank == 0 && ending.Failure is { } line) terminal.Error.WriteLine(line);
        if (failure is not null) Failure.Trace(failure, terminal);
        return ending.ExitCode;
    }

    private static int Work(ParseResult parsed, StandardStreams terminal, ICommunicator communicator,
        CancellationToken cancellation)
    {
        var command = (CliCommand)parsed.CommandResult.Command;
        ThreadsOption.Apply(parsed);
        using var interruption = new Interruption(terminal, command.Stopping, cancellation);
        var output = new CommandOutput(terminal, parsed.GetValue(command.Json), communicator);
        return command.Run(parsed, output, interruption.Token);
    }
}
