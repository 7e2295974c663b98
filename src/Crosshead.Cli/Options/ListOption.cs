using System.CommandLine;

namespace Crosshead.Cli.Options;

/// <summary>Options that take a list of values separated by commas, in which each value occurs once.</summary>
internal static class ListOption
{
    /// <summary>Reads the values of an option.</summary>
    /// <param name="option">The option's name, for messages.</param>
    /// <param name="text">The list as typed.</param>
    /// <param name="parse">Reads one value, or throws with a message of its own.</param>
    /// <param name="example">A valid list, for messages.</param>
    /// <exception cref="CrossheadException">The list is empty, an item is empty, or a value occurs twice.</exception>
    public static IReadOnlyList<T> Read<T>(string option, string text, Func<string, T> parse, string example)
    {
        var items = text.Split(',', StringSplitOptions.TrimEntries);
        if (items.Any(i => i.Length == 0))
            throw new CrossheadException(
                $"{option} (\"{text}\") {(items.Length == 1 ? "is empty" : "has an empty item")}; give values "
                + $"separated by commas, such as {option} {example}.");
        var values = items.Select(parse).ToArray();
        for (var i = 0; i < values.Length; i++)
            if (Array.IndexOf(values, values[i]) < i)
                throw new CrossheadException($"{option} (\"{text}\") names "
                    + $"{(Equals(items[i], items[Array.IndexOf(values, values[i])]) ? $"{items[i]} twice"
                    : $"the same value as {items[Array.IndexOf(values, values[i])]} and {items[i]}")}; name "
                    + $"each value once.");
        return values;
    }

    /// <summary>A required option that takes a list.</summary>
    public static Option<string> Required(string name, string description, string placeholder) =>
        new(name) { Description = description, HelpName = placeholder, Required = true };
}
