using Crosshead.Cli;

return CommandLine.Run(args, new Terminal());
