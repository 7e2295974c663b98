using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Crosshead.Cli.Options;

/// <summary>Options that take a number of bytes, such as 8GiB, 512M or 1048576.</summary>
internal static class SizeOption
{
    private static readonly string[] s_units = ["", "K", "M", "G", "T"];

    /// <summary>An option that is absent unless given.</summary>
    /// <param name="name">With its dashes.</param>
    /// <param name="description">What the size is, and what its absence means.</param>
    public static Option<long?> Optional(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "bytes",
        CustomParser = result => Parse(result, name),
    };

    /// <summary>The number of bytes that a text says; null if it says none.</summary>
    /// <param name="text">A number of at least one byte, with a unit of 1024 or without.</param>
    public static long? Read(string text)
    {
        var unit = text.TrimStart("0123456789.".ToCharArray()).Trim();
        var power = Array.FindIndex(s_units, u => unit.Equals(u, StringComparison.OrdinalIgnoreCase)
            || u.Length > 0 && (unit.Equals(u + "iB", StringComparison.OrdinalIgnoreCase)
                || unit.Equals(u + "B", StringComparison.OrdinalIgnoreCase)));
        var digits = text[..^text.TrimStart("0123456789.".ToCharArray()).Length].Trim();
        return power >= 0 && double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture,
            out var number) && number * Math.Pow(1024, power) is >= 1 and < 1L << 62 and var bytes ? (long)bytes : null;
    }

    private static long? Parse(ArgumentResult result, string name)
    {
        var text = result.Tokens.Count == 0 ? "" : result.Tokens[^1].Value;
        if (Read(text) is { } bytes) return bytes;
        result.AddError($"{name} must be a number of bytes such as 8GiB, 512M or 1048576; got \"{text}\".");
        return null;
    }
}
