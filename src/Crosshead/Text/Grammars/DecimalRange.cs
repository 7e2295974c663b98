using System.Globalization;
using static Crosshead.Text.Grammars.GrammarBuilder;

namespace Crosshead.Text.Grammars;

/// <summary>An end of a range of numbers.</summary>
/// <param name="Value">The end.</param>
/// <param name="IsOpen">Whether the end itself is outside.</param>
internal readonly record struct DecimalBound(decimal Value, bool IsOpen);

/// <summary>
/// The numbers between two bounds, without exponents, without leading zeros and without a negative zero.
/// </summary>
internal static class DecimalRange
{
    private const int Fraction = GrammarLimits.Digits;

    /// <summary>The numbers of a range, which is not empty.</summary>
    public static GrammarPart Of(GrammarBuilder builder, DecimalBound min, DecimalBound max)
    {
        var ways = new List<GrammarPart>();
        if (min.Value < 0)
        {
            var near = max.Value < 0 ? max with { Value = -max.Value } : new DecimalBound(0, true);
            ways.Add(Sequence(builder.Text("-"), Positive(builder, near, min with { Value = -min.Value })));
        }
        if (max.Value > 0 || max is { Value: 0, IsOpen: false })
            ways.Add(Positive(builder, min.Value >= 0 ? min : new DecimalBound(0, false), max));
        return builder.Any(ways);
    }

    // From 0 on. Only at the ends of the range does the fraction matter.
    private static GrammarPart Positive(GrammarBuilder builder, DecimalBound min, DecimalBound max)
    {
        var (low, high) = ((long)min.Value, (long)max.Value);
        var (lowest, highest) = (new End(min), new End(max));
        if (low == high) return Sequence(builder.Text(Digits(low)), Rest(builder, lowest, highest));
        var ways = new List<GrammarPart>
        {
            Sequence(builder.Text(Digits(low)), Rest(builder, lowest, null)),
            Sequence(builder.Text(Digits(high)), Rest(builder, null, highest)),
        };
        if (high - low > 1)
            ways.Add(Sequence(IntegerRange.Of(builder, low + 1, high - 1), Rest(builder, null, null)));
        return builder.Any(ways);
    }

    // What follows the integer of an end: nothing, or a point and digits.
    private static GrammarPart Rest(GrammarBuilder builder, End? low, End? high)
    {
        var digits = Sequence(builder.Text("."), Digit(builder, 0, low, high));
        return MayEnd(0, low, high) ? builder.Optional(digits) : digits;
    }

    // The digit at a place, and all after it. An end is given as long as all digits so far are its own.
    private static GrammarPart Digit(GrammarBuilder builder, int at, End? low, End? high)
    {
        if (low is null && high is null) return builder.Repeat(builder.Range('0', '9'), 1, Fraction - at);
        var ways = new List<GrammarPart>();
        for (int first = low?.At(at) ?? '0', last = high?.At(at) ?? '9', digit = first; digit <= last;)
        {
            var (nextLow, nextHigh) = (digit == first ? low : null, digit == last ? high : null);
            // Digits that are neither end's are followed by the same.
            var until = nextLow is null && nextHigh is null && high is not null ? last - 1
                : nextLow is null && nextHigh is null ? last : digit;
            var rest = new List<GrammarPart>();
            if (MayEnd(at + 1, nextLow, nextHigh)) rest.Add(from => from);
            if (at + 1 < Fraction) rest.Add(Digit(builder, at + 1, nextLow, nextHigh));
            ways.Add(Sequence(builder.Range(digit, until), builder.Any(rest)));
            digit = until + 1;
        }
        return builder.Any(ways);
    }

    // Whether a number may end here: further digits count as zeros.
    private static bool MayEnd(int at, End? low, End? high) =>
        (low is null || (low.IsZeroFrom(at) && !low.IsOpen)) && (high is null || !high.IsZeroFrom(at) || !high.IsOpen);

    private static string Digits(long value) => value.ToString(CultureInfo.InvariantCulture);

    // The digits of a bound after its point.
    private sealed class End(DecimalBound bound)
    {
        private readonly string _digits = (bound.Value - decimal.Truncate(bound.Value)).ToString(
            "0." + new string('0', Fraction), CultureInfo.InvariantCulture)[2..];

        public bool IsOpen => bound.IsOpen;

        public char At(int place) => _digits[place];

        public bool IsZeroFrom(int place) => _digits.AsSpan(place).TrimEnd('0').IsEmpty;
    }
}
