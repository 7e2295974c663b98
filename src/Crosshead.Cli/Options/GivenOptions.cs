using System.CommandLine;

namespace Crosshead.Cli.Options;

/// <summary>Which options stand on a command line, whatever their values.</summary>
internal static class GivenOptions
{
    /// <summary>Whether an option stands there. Otherwise its value is the default.</summary>
    public static bool IsGiven(this ParseResult arguments, Option option) =>
        arguments.GetResult(option) is { Implicit: false };

    /// <summary>Refuses options that stand there and are of no use.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="why">Why they are of no use, and the remedy: what follows an option's name in the message.</param>
    /// <param name="options">The options; null for one that the command lacks.</param>
    /// <exception cref="CrossheadException">One of them is given; the message names the first.</exception>
    public static void Refuse(this ParseResult arguments, string why, params ReadOnlySpan<Option?> options)
    {
        foreach (var option in options)
            if (option is not null && arguments.IsGiven(option)) throw new CrossheadException($"{option.Name} {why}");
    }
}
