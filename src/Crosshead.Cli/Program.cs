using Crosshead.Cli;

try
{
    return CommandLine.Run(args, new Terminal());
}
catch (Exception failure)
{
    return LastWords.Say(failure);
}
