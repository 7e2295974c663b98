using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace Crosshead.Cli.Options;

/// <summary>Options that take a number within a range. The error message for any other input names the range.</summary>
internal static class NumberOption
{
    private const int NoLimit = 1 << 16;

    /// <summary>An option without a default. Its value is null if the option is not given.</summary>
    /// <param name="name">The option's name, with its dashes.</param>
    /// <param name="description">What the number means, its unit, and what applies without the option.</param>
    /// <param name="smallest">The smallest allowed value.</param>
    /// <param name="largest">The largest allowed value.</param>
    public static Option<T?> Optional<T>(string name, string description, T smallest, T largest) where T : struct,
        INumber<T> =>
        new(name)
        {
            Description = Described(description, smallest, largest),
            HelpName = Placeholder<T>(),
            CustomParser = result => Parse(result, name, smallest, largest),
        };

    /// <summary>An option with a default, which the help shows.</summary>
    /// <param name="name">The option's name, with its dashes.</param>
    /// <param name="description">What the number means, with its unit.</param>
    /// <param name="smallest">The smallest allowed value.</param>
    /// <param name="largest">The largest allowed value.</param>
    /// <param name="otherwise">The value if the option is not given.</param>
    public static Option<T> WithDefault<T>(string name, string description, T smallest, T largest, T otherwise)
        where T : struct, INumber<T> =>
        new(name)
        {
            Description = Described(description, smallest, largest),
            HelpName = Placeholder<T>(),
            CustomParser = result => Parse(result, name, smallest, largest),
            DefaultValueFactory = _ => otherwise,
        };

    private static T Parse<T>(ArgumentResult result, string name, T smallest, T largest) where T : struct, INumber<T>
    {
        var text = result.Tokens.Count == 0 ? "" : result.Tokens[^1].Value;
        if (T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= smallest
            && value <= largest)
            return value;
        result.AddError($"{name} must be a {Kind<T>()} from {Shown(smallest)} to {Shown(largest)}; got \"{text}\".");
        return default;
    }

    // The help of every number shows its range. A largest value from NoLimit on only excludes absurd numbers, so the
    // help shows "or more" instead.
    private static string Described<T>(string description, T smallest, T largest) where T : struct, INumber<T> =>
        $"{description.TrimEnd('.')} ({Shown(smallest)} "
        + $"{(largest >= T.CreateSaturating(NoLimit) ? "or more" : $"to {Shown(largest)}")}).";

    private static string Kind<T>() => typeof(T) == typeof(double) ? "number" : "whole number";

    private static string Placeholder<T>() => typeof(T) == typeof(double) ? "number" : "n";

    private static string Shown<T>(T value) where T : INumber<T> =>
        value.ToString("0.########", CultureInfo.InvariantCulture);
}
