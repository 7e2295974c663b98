using System.CommandLine;

namespace Crosshead.Cli.Options;

/// <summary>The option <c>--api-key</c>, or a variable of the environment in its place.</summary>
internal static class ServerKeyOption
{
    /// <summary>The option's name.</summary>
    public const string Name = "--api-key";

    /// <summary>The environment variable that holds a key, so that it need not be on the command line.</summary>
    public const string Variable = "CROSSHEAD_API_KEY";

    /// <summary>Makes the option.</summary>
    public static Option<string?> Create() => new(Name)
    {
        Description = $"Key that the server asks for; without it the environment variable {Variable}.",
        HelpName = "key",
    };

    /// <summary>The given key, otherwise the variable's; null for none.</summary>
    /// <exception cref="CrossheadException">The key cannot be sent.</exception>
    public static string? Value(Option<string?> option, ParseResult arguments)
    {
        var key = arguments.GetValue(option) ?? Environment.GetEnvironmentVariable(Variable);
        if (string.IsNullOrEmpty(key)) return null;
        return key.All(c => c is > ' ' and <= '~') ? key
            : throw new CrossheadException(
                $"the key of {Name} has characters other than visible ASCII; copy it again.");
    }
}
