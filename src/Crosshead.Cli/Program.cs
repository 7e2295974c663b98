using System.Runtime.CompilerServices;
using Crosshead.Cli;
using Crosshead.Cli.Commands;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;

try
{
    return Answer(args);
}
catch (Exception failure)
{
    return LastWords.Say(failure);
}

// Not inlined, so that the assemblies that it needs load inside the try block above.
[MethodImpl(MethodImplOptions.NoInlining)]
static int Answer(string[] args)
{
    ModelArgument.Begin(args);
    return new CommandLine(CommandList.For).Run(args, new StandardStreams());
}
