using System.CommandLine;
using System.CommandLine.Parsing;

namespace Crosshead.Cli.Options;

/// <summary>
/// Options that take one of a few names, in upper or lower case. The help lists them, and any other is refused.
/// </summary>
internal static class NameOption
{
    /// <summary>An option without a default. Its value is null if the option is not given.</summary>
    /// <param name="name">The option's name, with its dashes.</param>
    /// <param name="description">What is chosen, and what applies without the option.</param>
    /// <param name="names">All names.</param>
    public static Option<string?> Optional(string name, string description, params IReadOnlyList<string> names) =>
        new(name)
        {
            Description = description,
            HelpName = string.Join('|', names),
            CustomParser = result => Parse(result, name, names),
        };

    /// <summary>An option whose names are its own.</summary>
    /// <param name="name">The option's name, with its dashes.</param>
    /// <param name="description">What is chosen.</param>
    /// <param name="otherwise">The choice if the option is not given.</param>
    /// <param name="names">All names.</param>
    public static Option<string> WithDefault(string name, string description, string otherwise,
        params IReadOnlyList<string> names) =>
        new(name)
        {
            Description = description,
            HelpName = string.Join('|', names),
            CustomParser = result => Parse(result, name, names),
            DefaultValueFactory = _ => otherwise,
        };

    /// <summary>An option whose names are those of an enumeration in configuration files.</summary>
    /// <param name="name">The option's name, with its dashes.</param>
    /// <param name="description">What is chosen.</param>
    /// <param name="otherwise">The choice if the option is not given.</param>
    public static Option<string> WithDefault<T>(string name, string description, T otherwise) where T : struct, Enum =>
        WithDefault(name, description, EnumName.Of(otherwise), EnumName.AllOf<T>());

    /// <summary>The value of such an option.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="option">The option.</param>
    public static T GetNamed<T>(this ParseResult arguments, Option<string> option) where T : struct, Enum =>
        EnumName.Read<T>(arguments.GetRequiredValue(option));

    /// <summary>The known name that was typed, in upper or lower case, also within a list.</summary>
    /// <param name="option">The option's name, for messages.</param>
    /// <param name="text">The name as typed.</param>
    /// <param name="names">All names.</param>
    /// <exception cref="CrossheadException">The name is unknown.</exception>
    public static string Known(string option, string text, IReadOnlyList<string> names) =>
        names.FirstOrDefault(n => n.Equals(text, StringComparison.OrdinalIgnoreCase))
        ?? throw new CrossheadException($"{option} \"{text}\" is unknown; {Suggestion.For(text, names)}");

    private static string? Parse(ArgumentResult result, string name, IReadOnlyList<string> names)
    {
        try
        {
            return Known(name, result.Tokens.Count == 0 ? "" : result.Tokens[^1].Value, names);
        }
        catch (CrossheadException e)
        {
            result.AddError(e.Message);
            return null;
        }
    }
}
