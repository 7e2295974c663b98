using System.CommandLine;
using System.CommandLine.Parsing;
using System.Runtime.CompilerServices;
using Crosshead.Cli.Commands;
using Crosshead.Cli.Completion;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;

namespace Crosshead.Cli;

/// <summary>
/// The program: finds the command, runs the command, and turns any result or error into output and an exit code.
/// </summary>
/// <param name="commands">Creates the commands, in the order in which the help lists them.</param>
internal sealed class CommandLine(Func<IEnumerable<Command>> commands)
{
    /// <summary>Name of the program as users type it.</summary>
    public const string Name = "crosshead";

    // No response files (@name): a prompt may begin with @.
    private static readonly ParserConfiguration s_parsing =
        new() { ResponseFileTokenReplacer = null, EnablePosixBundling = false };

    /// <summary>Runs one command line and returns its exit code (<see cref="ExitCode"/>).</summary>
    /// <param name="args">The arguments after the program's name.</param>
    /// <param name="terminal">Where results, messages and progress go.</param>
    /// <param name="cancellation">Asks the command to finish its step, save and stop, as a signal does.</param>
    public int Run(string[] args, StandardStreams terminal, CancellationToken cancellation = default)
    {
        try
        {
            using var names = MessageTerm.Use(OptionNames.Table);
            return Answer(args, terminal, cancellation);
        }
        catch (Exception failure)
        {
            return Failure.Tell(failure, terminal);
        }
    }

    /// <summary>All commands, each with its subcommands, arguments and options.</summary>
    public Command Root()
    {
        var root = new Command(Name,
            "Transformers whose attention heads work together: train them, compare them, sample from them.");
        root.Options.Add(ParsedAction.Help("crosshead doctor",
            "crosshead tokenizer train notes.txt --vocab 8192 --out tokenizer.json"));
        root.Options.Add(ParsedAction.Version());
        foreach (var command in commands())
            root.Subcommands.Add(command);
        return root;
    }

    // Not inlined, so that its assemblies load inside the try block: an assembly may be missing, or no more files can
    // be opened.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int Answer(string[] args, StandardStreams terminal, CancellationToken cancellation)
    {
        if (ShellCompletion.Answers(args, Root, s_parsing, terminal.Out))
            return ExitCode.Done;
        RawArguments.Require(args);
        var parsed = CommandLineParser.Parse(Root(), args, s_parsing);
        if (parsed.Action is ParsedAction shown)
            return shown.Show(parsed, terminal);
        if (UsageError.Describe(parsed) is { } problem)
        {
            terminal.Error.WriteLine(problem);
            return ExitCode.BadInput;
        }
        return Execute(parsed, terminal, cancellation);
    }

    private static int Execute(ParseResult parsed, StandardStreams terminal, CancellationToken cancellation)
    {
        var command = (CliCommand)parsed.CommandResult.Command;
        ThreadsOption.Apply(parsed);
        using var interruption = new Interruption(terminal, cancellation);
        var output = new CommandOutput(terminal, parsed.GetValue(command.Json));
        return command.Run(parsed, output, interruption.Token);
    }
}
