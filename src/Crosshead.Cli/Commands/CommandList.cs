using System.CommandLine;

namespace Crosshead.Cli.Commands;

/// <summary>Every command of the program, in the order in which the help lists them.</summary>
internal static class CommandList
{
    /// <summary>Makes the commands; making one only describes it and loads no library that it runs on.</summary>
    public static IEnumerable<Command> All()
    {
        yield return new DoctorCommand();
        yield return new InfoCommand();
        yield return new VerifyCommand();
    }
}
