using System.Globalization;
using static Crosshead.Text.Grammars.GrammarBuilder;

namespace Crosshead.Text.Grammars;

/// <summary>The integers between two bounds, in decimal without leading zeros.</summary>
internal static class IntegerRange
{
    /// <summary>The largest bound: 18 digits.</summary>
    public const long Largest = 999_999_999_999_999_999;

    /// <summary>The integers of a range, which is not empty.</summary>
    public static GrammarPart Of(GrammarBuilder builder, long min, long max)
    {
        var ways = new List<GrammarPart>();
        if (min < 0) ways.Add(Sequence(builder.Text("-"), Positive(builder, Math.Max(1, -max), -min)));
        if (min <= 0 && max >= 0) ways.Add(builder.Text("0"));
        if (max > 0) ways.Add(Positive(builder, Math.Max(1, min), max));
        return builder.Any(ways);
    }

    private static GrammarPart Positive(GrammarBuilder builder, long min, long max)
    {
        var ways = new List<GrammarPart>();
        var (low, digits) = (1L, 1);
        for (; digits <= 18; low *= 10, digits++)
            if (Math.Max(min, low) is var from && Math.Min(max, low * 10 - 1) is var to && from <= to)
                ways.Add(Between(builder, Digits(from), Digits(to)));
        return builder.Any(ways);
    }

    private static string Digits(long value) => value.ToString(CultureInfo.InvariantCulture);

    // Numbers with the same number of digits.
    private static GrammarPart Between(GrammarBuilder builder, string min, string max)
    {
        if (min.Length == 0) return builder.Nothing;
        if (min.All(digit => digit == '0') && max.All(digit => digit == '9'))
            return builder.Repeat(builder.Range('0', '9'), min.Length, min.Length);
        if (min[0] == max[0]) return Sequence(builder.Text(min[..1]), Between(builder, min[1..], max[1..]));
        var rest = min.Length - 1;
        var ways = new List<GrammarPart>
        {
            Sequence(builder.Text(min[..1]), Between(builder, min[1..], new string('9', rest))),
            Sequence(builder.Text(max[..1]), Between(builder, new string('0', rest), max[1..])),
        };
        if (max[0] - min[0] > 1)
            ways.Add(Sequence(builder.Range(min[0] + 1, max[0] - 1),
                builder.Repeat(builder.Range('0', '9'), rest, rest)));
        return builder.Any(ways);
    }
}
