using System.CommandLine;
using Crosshead.Runtime;

namespace Crosshead.Cli.Options;

/// <summary>The number of threads that compute: <c>--threads</c>, the same in every command that computes.</summary>
internal static class ThreadsOption
{
    /// <summary>The option's name.</summary>
    public const string Name = "--threads";

    /// <summary>The option. <see cref="Apply"/> applies the number in every command that has this option.</summary>
    public static Option<int?> Create() => NumberOption.Optional(Name,
        $"Threads to compute with; without it {ComputeThreads.Variable} or, where that is not set, one for each core "
            + $"that the process may use.", 1, int.MaxValue);

    /// <summary>Applies the given number of threads before the command runs.</summary>
    /// <exception cref="CrossheadException">The number is out of range.</exception>
    public static void Apply(ParseResult arguments)
    {
        if (arguments.CommandResult.Command.Options.FirstOrDefault(o => o.Name == Name) is Option<int?> option)
            ComputeThreads.Use(arguments.GetValue(option));
    }
}
