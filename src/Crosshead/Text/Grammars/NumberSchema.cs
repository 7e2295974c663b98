using System.Text.Json;

namespace Crosshead.Text.Grammars;

/// <summary>Turns the schemas of integers and numbers into grammars.</summary>
/// <param name="builder">The builder of the parts.</param>
/// <param name="syntax">The parts of JSON.</param>
internal sealed class NumberSchema(GrammarBuilder builder, JsonSyntax syntax)
{
    private static readonly long s_usual = (long)Math.Pow(10, GrammarLimits.Digits) - 1;

    /// <summary>The keywords of bounds.</summary>
    public static string[] Bounds { get; } = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];

    public GrammarPart Integers(JsonElement schema, string path)
    {
        long? Whole(string keyword, Func<decimal, decimal> round) => Bound(schema, keyword, path) is { } bound
            ? (long)Math.Clamp(round(bound), -IntegerRange.Largest, IntegerRange.Largest) : null;
        long?[] least = [Whole("minimum", decimal.Ceiling), Whole("exclusiveMinimum", b => decimal.Floor(b) + 1)];
        long?[] most = [Whole("maximum", decimal.Floor), Whole("exclusiveMaximum", b => decimal.Ceiling(b) - 1)];
        if (least.Concat(most).All(bound => bound is null)) return syntax.Integer;
        var min = least.Max() ?? Math.Min(-s_usual, most.Min()!.Value);
        var max = most.Min() ?? Math.Max(s_usual, min);
        return min <= max ? builder.Rule(IntegerRange.Of(builder, min, max))
            : throw new CrossheadException($"{path} allows integers from {min} to {max}, so none; correct its bounds.");
    }

    public GrammarPart Numbers(JsonElement schema, string path)
    {
        if (!Bounds.Any(keyword => schema.TryGetProperty(keyword, out _))) return syntax.Number;
        var (least, above) = (Bound(schema, "minimum", path), Bound(schema, "exclusiveMinimum", path));
        var (most, below) = (Bound(schema, "maximum", path), Bound(schema, "exclusiveMaximum", path));
        var (min, max) = (Stricter(least, above, above > least), Stricter(most, below, below < most));
        min ??= max!.Value.Value > -s_usual ? new DecimalBound(-s_usual - 1, true) : new(-IntegerRange.Largest, false);
        max ??= min.Value.Value < s_usual ? new DecimalBound(s_usual + 1, true) : new(IntegerRange.Largest, false);
        return Between(min.Value, max.Value, path);
    }

    private GrammarPart Between(DecimalBound min, DecimalBound max, string path) =>
        min.Value < max.Value || (min.Value == max.Value && !min.IsOpen && !max.IsOpen)
            ? builder.Rule(DecimalRange.Of(builder, min, max))
            : throw new CrossheadException($"{path} allows numbers from {min.Value} to {max.Value}, so none; correct "
                + "its bounds.");

    // Of a bound that is inside and one that is not.
    private static DecimalBound? Stricter(decimal? inside, decimal? outside, bool outsideIsStricter) =>
        outside is { } open && (inside is null || inside == outside || outsideIsStricter) ? new(open, true)
            : inside is { } closed ? new DecimalBound(closed, false) : null;

    private static decimal? Bound(JsonElement schema, string keyword, string path)
    {
        if (!schema.TryGetProperty(keyword, out var bound)) return null;
        if (bound.ValueKind != JsonValueKind.Number)
            throw new CrossheadException($"{path}.{keyword} is {KeywordReader.Kind(bound)}; it is a number.");
        return bound.TryGetDecimal(out var value) && Math.Abs(value) <= IntegerRange.Largest
            && decimal.Round(value, GrammarLimits.Digits) == value ? value
            : throw new CrossheadException($"{path}.{keyword} is {bound.GetRawText().Shown()}; bounds lie between "
                + $"-{IntegerRange.Largest} and {IntegerRange.Largest}, with at most {GrammarLimits.Digits} digits "
                + "after the point.");
    }
}
