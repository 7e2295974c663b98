using System.Runtime.CompilerServices;
using Crosshead.Cli;
using Crosshead.Cli.Commands;
using Crosshead.Cli.Terminal;

try
{
    return Answer(args);
}
catch (Exception failure)
{
    return LastWords.Say(failure);
}

// Not inlined: the assemblies that it needs are loaded within the guard around it.
[MethodImpl(MethodImplOptions.NoInlining)]
static int Answer(string[] args) => new CommandLine(CommandList.All).Run(args, new StandardStreams());
