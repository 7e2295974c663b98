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

    /// <summary>An option for a number above an end that is too small itself, with a default.</summary>
    /// <param name="name">The option's name, with its dashes.</param>
    /// <param name="description">What the number means, with its unit.</param>
    /// <param name="below">The number that all allowed values are above.</param>
    /// <param name="largest">The largest allowed value.</param>
    /// <param name="otherwise">The value if the option is not given.</param>
    /// <param name="remedy">What the message for any other input advises.</param>
    public static Option<double> Above(string name, string description, double below, double largest,
        double otherwise, string remedy) =>
        new(name)
        {
            Description = $"{description.TrimEnd('.')} (above {Shown(below)}, to {Shown(largest)}).",
            HelpName = Placeholder<double>(),
            CustomParser = result =>
            {
                if (Read<double>(result, out var text) is { } value && value > below && value <= largest) return value;
                result.AddError($"{name} must be a number above {Shown(below)}, to {Shown(largest)}; got \"{text}\": "
                    + $"{remedy}.");
                return default;
            },
            DefaultValueFactory = _ => otherwise,
        };

    private static T Parse<T>(ArgumentResult result, string name, T smallest, T largest) where T : struct, INumber<T>
    {
        if (Read<T>(result, out var text) is { } value && value >= smallest && value <= largest) return value;
        result.AddError($"{name} must be a {Kind<T>()} from {Shown(smallest)} to {Shown(largest)}; got \"{text}\".");
        return default;
    }

    private static T? Read<T>(ArgumentResult result, out string text) where T : struct, INumber<T>
    {
        text = result.Tokens.Count == 0 ? "" : result.Tokens[^1].Value;
        return T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : null;
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
